"""Benchmark `verify`: journal events a second of a verification from the journal's start, and of the next one."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.bare_fold import bare_fold
from bench.figure import Figure
from bench.inputs import append, created
from bench.installation import ReadSide, installation, read_side
from bench.machine import cpu_of_family
from bench.workflows import THREE_STEPS
from headrace.jobs.workers import worker_pool
from projections.verify.plan import Plan
from projections.verify.verification import verify
from schemas.event_log import LogReader
from streams.embedded.reader import EmbeddedLogReader
from streams.store_snapshot import open_store_snapshot

CONTACTS = {"full": 160_000, "quick": 5_000}
WORKERS = 2


def settle() -> None:
    """Stay in a worker process for long enough that the others are started too: with their imports, before the clock is."""
    time.sleep(0.5)


@contextlib.asynccontextmanager
async def open_reader(directory: Path) -> AsyncIterator[LogReader]:
    """The log beside its owner, as a worker process opens it."""
    log = await EmbeddedLogReader.open(directory)
    try:
        yield log
    finally:
        await log.close()


async def run(directory: Path, size: str) -> list[Figure]:
    """The journal, the stores and the rows are those that the engine and the projector made of three-step enrollments."""
    async with installation(directory, [THREE_STEPS]) as one:
        await append(one.log, [created(one.partitions, number) for number in range(CONTACTS[size])])
        async with one.running():
            await one.until(one.inputs_taken, "the journal to be written", seconds=300)
        ends = await one.journal_ends()
        async with read_side(directory, one.log) as rows:

            async def shown() -> bool:
                return rows.shows(ends)

            await one.until(shown, "the rows to be written", seconds=300)
            await asyncio.to_thread(rows.vacuum)
            with worker_pool(WORKERS) as processes:
                await asyncio.gather(*[asyncio.wrap_future(processes.submit(settle)) for _ in range(WORKERS)])
                plan = Plan(
                    open_log=partial(open_reader, directory / "log"),
                    directory=directory / "verify",
                    processes=processes,
                    database_url=rows.url,
                    open_store=partial(open_store_snapshot, directory / "store"),
                )
                first, again = [await _verified(plan, rows) for _ in range(2)]
        async with open_reader(directory / "log") as log:
            bare = await bare_fold(log)
        return [
            *first.figures("from the journal's start"),
            *again.figures("again, with nothing new"),
            Figure("processor time an event of the bare fold, in one process", bare.cpu_us, "us"),
            Figure("from the journal's start to the bare fold, processor time", first.cpu_us / bare.cpu_us, "x"),
            Figure("from the journal's start to again, time", first.seconds / again.seconds, "x"),
        ]


class _Verification(NamedTuple):
    events: int
    seconds: float
    ours_s: float
    postgres_s: float

    @property
    def cpu_us(self) -> float:
        return (self.ours_s + self.postgres_s) / self.events * 1e6

    def figures(self, name: str) -> list[Figure]:
        return [
            Figure(f"journal events verified, {name}", self.events / self.seconds, "/s"),
            Figure(f"time, {name}", self.seconds, "s"),
            Figure(f"processor time an event, ours, {name}", self.ours_s / self.events * 1e6, "us"),
            Figure(f"processor time an event, Postgres, {name}", self.postgres_s / self.events * 1e6, "us"),
            Figure(f"journal events verified if two cores were free, {name}", 2e6 / self.cpu_us, "/s"),
        ]


async def _verified(plan: Plan, rows: ReadSide) -> _Verification:
    start, ours, postgres = time.perf_counter(), cpu_of_family(os.getpid()), rows.cpu_s
    report = await verify(plan)
    seconds = time.perf_counter() - start
    ours, postgres = cpu_of_family(os.getpid()) - ours, rows.cpu_s - postgres
    assert report.ok, report.differences
    return _Verification(report.events, seconds, ours, postgres)
