"""Benchmark `rebuild`: journal events a second when the read side is rebuilt, and how the live projector does the same."""

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figure import Figure
from bench.inputs import append, created
from bench.installation import Installation, ReadSide, installation, read_side
from bench.machine import cpu_of_family
from bench.workflows import THREE_STEPS
from headrace.jobs.workers import default_workers, worker_pool
from headrace.log_access import open_log
from projections.rebuild import RebuildSession, plan_of, rebuild

CONTACTS = {"full": 60_000, "quick": 4_000}


async def run(directory: Path, size: str) -> list[Figure]:
    """The journal is the one that the engine wrote of three-step enrollments; the projector first, then the rebuild."""
    async with installation(directory, [THREE_STEPS]) as one:
        await append(one.log, [created(one.partitions, number) for number in range(CONTACTS[size])])
        async with one.running():
            await one.until(one.inputs_taken, "the journal to be written", seconds=600)
        ends = await one.journal_ends()
        async with read_side(directory, one.log) as shown:
            live = await _measured("projected live", shown, lambda: _projected(one, shown, ends))
            rebuilt = await _measured("rebuilt", shown, lambda: _rebuilt(directory, shown.url))
            return [*rebuilt, *live, Figure("rebuilt to live", rebuilt[0].value / live[0].value, "x")]


async def _measured(what: str, shown: ReadSide, work: Callable[[], Awaitable[tuple[int, float]]]) -> list[Figure]:
    ours, database = cpu_of_family(os.getpid()), shown.cpu_s
    records, seconds = await work()
    ours, database = cpu_of_family(os.getpid()) - ours, shown.cpu_s - database
    return [
        Figure(f"journal events {what}", records / seconds, "/s"),
        Figure(f"{what}: processor time an event, ours", ours / records * 1e6, "us"),
        Figure(f"{what}: processor time an event, Postgres", database / records * 1e6, "us"),
    ]


async def _projected(one: Installation, shown: ReadSide, ends: dict[tuple[str, int], int]) -> tuple[int, float]:
    began = time.perf_counter()

    async def visible() -> bool:
        return shown.shows(ends)

    await one.until(visible, "the journal to be projected", seconds=600)
    return sum(ends.values()), time.perf_counter() - began


async def _rebuilt(directory: Path, url: str) -> tuple[int, float]:
    os.environ["HEADRACE_DATA_DIR"] = str(directory)  # where the workers find the log
    async with RebuildSession(open_log, url, pool=worker_pool, workers=default_workers()) as session:
        report = await rebuild(session, plan_of([]))
    assert report.result == "swapped"
    assert report.equal, "the rebuilt rows are live's"
    return report.records, report.seconds
