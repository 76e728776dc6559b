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
from schemas.event_log import NewRecord, Record
from schemas.journal import POSITIONS_HEADER, decode_event
from schemas.topics import JOURNAL

CONTACTS = {"full": 60_000, "quick": 15_000}
TRANSACTION = 20
"""Records in one transaction of the journal that is made of the engine's."""


async def run(directory: Path, size: str) -> list[Figure]:
    """A journal as the engine wrote it, and the same one with all lives lived at the same time."""
    async with installation(directory / "whole", [THREE_STEPS]) as one:
        await append(one.log, [created(one.partitions, number) for number in range(CONTACTS[size])])
        async with one.running():
            await one.until(one.inputs_taken, "the journal to be written", seconds=600)
        found = await _both(directory / "whole", one, "whole lives")
        async with installation(directory / "cut", [THREE_STEPS]) as other:
            await _interleave(one, other)
            return found + await _both(directory / "cut", other, "cut lives")


async def _interleave(one: Installation, other: Installation) -> None:
    """Copy the journal, each partition ordered by the events' numbers: first every contact's first event, and so on."""
    for partition in range(one.partitions):
        records, at = list[Record](), 0
        while chunk := await one.log.read(JOURNAL, partition, at, limit=10_000):
            records.extend(chunk)
            at = chunk.next
        records.sort(key=lambda record: decode_event(record.value or b"").seq)
        ends = {*range(TRANSACTION - 1, len(records), TRANSACTION), len(records) - 1}
        await append(other.log, [_copy(record, ends=index in ends) for index, record in enumerate(records)])


def _copy(record: Record, *, ends: bool) -> NewRecord:
    headers = ((POSITIONS_HEADER, b"{}"),) if ends else ()
    return NewRecord(topic=JOURNAL, partition=record.partition, key=record.key, value=record.value, headers=headers)


async def _both(directory: Path, one: Installation, variant: str) -> list[Figure]:
    """The projector first, then the rebuild, on the same database."""
    ends = await one.journal_ends()
    async with read_side(directory, one.log) as shown:
        live = await _measured(f"{variant}: projected live", shown, lambda: _projected(one, shown, ends))
        rebuilt = await _measured(f"{variant}: rebuilt", shown, lambda: _rebuilt(directory, shown.url))
        return [*rebuilt, *live, Figure(f"{variant}: rebuilt to live", rebuilt[0].value / live[0].value, "x")]


async def _measured(what: str, shown: ReadSide, work: Callable[[], Awaitable[tuple[int, float]]]) -> list[Figure]:
    ours, database = cpu_of_family(os.getpid()), shown.cpu_s
    records, seconds = await work()
    ours, database = cpu_of_family(os.getpid()) - ours, shown.cpu_s - database
    return [
        Figure(f"{what}: journal events", records / seconds, "/s"),
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
