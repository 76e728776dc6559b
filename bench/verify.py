"""Benchmark `verify`: journal events a second of a verification from the journal's start, on two processes, and of the next one."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from bench.figure import Figure
from bench.inputs import append, created
from bench.installation import installation, read_side
from bench.machine import cpu_of_family
from bench.workflows import THREE_STEPS
from headrace.jobs.workers import worker_pool
from projections.verify.plan import Plan
from projections.verify.verification import verify
from schemas.event_log import LogReader
from streams.embedded.reader import EmbeddedLogReader
from streams.store_snapshot import open_store_snapshot

CONTACTS = {"full": 40_000, "quick": 5_000}
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
            figures = []
            with worker_pool(WORKERS) as processes:
                await asyncio.gather(*[asyncio.wrap_future(processes.submit(settle)) for _ in range(WORKERS)])
                plan = Plan(
                    open_log=partial(open_reader, directory / "log"),
                    directory=directory / "verify",
                    processes=processes,
                    database_url=rows.url,
                    open_store=partial(open_store_snapshot, directory / "store"),
                )
                for name in ("from the journal's start", "again, with nothing new"):
                    start, cpu = time.perf_counter(), cpu_of_family(os.getpid())
                    report = await verify(plan)
                    taken = time.perf_counter() - start
                    assert report.ok, report.differences
                    figures += [
                        Figure(f"journal events verified, {name}", report.events / taken, "/s"),
                        Figure(f"time, {name}", taken, "s"),
                        Figure(
                            f"processor time an event, database included, {name}",
                            (cpu_of_family(os.getpid()) - cpu) / report.events * 1e6,
                            "us",
                        ),
                    ]
        return figures
