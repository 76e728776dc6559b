"""Tailing the journal: when each event became readable, as anybody sees it who follows the log."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from domain.journal import JournalEvent
from schemas.event_log import EventLog
from schemas.journal import decode_event
from schemas.topics import JOURNAL

See = Callable[[JournalEvent, float], None]
"""Called with each event and the time (seconds since the epoch) at which it could be read."""


@contextlib.asynccontextmanager
async def tail(log: EventLog, partitions: int, see: See) -> AsyncIterator[None]:
    """Follow the journal from its end on."""
    tasks = [asyncio.create_task(_follow(log, number, see)) for number in range(partitions)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(log: EventLog, partition: int, see: See) -> None:
    position = await log.end_offset(JOURNAL, partition)
    while True:
        await log.wait({(JOURNAL, partition): position}, timeout=60)
        now = time.time()
        for record in await log.read(JOURNAL, partition, position, limit=100_000):
            see(decode_event(record.value or b""), now)
            position = record.offset + 1
