"""Benchmark `latency`: from a contact event's append to its first step in the journal, at 1,000 events a second."""

import asyncio
import time
from pathlib import Path

from bench.figure import Figure, percentiles
from bench.inputs import created
from bench.installation import Installation, installation
from bench.pacing import steadily
from bench.tailing import tail
from bench.workflows import THREE_STEPS
from domain.journal import JournalEvent, StepCompleted

PER_SECOND = 1_000
SECONDS = {"full": 15, "quick": 3}
WARM_UP = 200
"""The first events are not counted: files and caches are new."""


async def run(directory: Path, size: str) -> list[Figure]:
    """The engine alone, at a steady rate; each event is appended on its own, as the API does."""
    async with installation(directory, [THREE_STEPS]) as one, one.running():
        return await _measure(one, PER_SECOND * SECONDS[size])


async def _measure(one: Installation, events: int) -> list[Figure]:
    submitted: dict[str, float] = {}
    durable: dict[str, float] = {}
    stepped: dict[str, float] = {}

    def see(event: JournalEvent, at: float) -> None:
        if isinstance(event, StepCompleted):
            stepped.setdefault(event.contact_id, at)

    async def append(number: int) -> None:
        record = created(one.partitions, number)
        contact_id = (record.key or b"").decode()
        submitted[contact_id] = time.time()
        await one.log.append([record])
        durable[contact_id] = time.time()

    async with tail(one.log, one.partitions, see):
        async with asyncio.TaskGroup() as appends:
            start = time.perf_counter()
            async for number in steadily(events, PER_SECOND):
                appends.create_task(append(number))
            rate = events / (time.perf_counter() - start)
        await one.until(lambda: _all(stepped, events), "every first step")
    counted = list(submitted)[WARM_UP:]
    return [
        Figure("events appended", rate, "/s"),
        *percentiles("append begun to first step", [(stepped[id] - submitted[id]) * 1000 for id in counted], "ms"),
        *percentiles("append durable to first step", [(stepped[id] - durable[id]) * 1000 for id in counted], "ms"),
    ]


async def _all(found: dict[str, float], events: int) -> bool:
    return len(found) >= events
