"""The projector run until it has caught up, for tests of what the read side then shows."""

import asyncio

from projections.projector import Projector
from schemas.event_log import EventLog
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL

DEADLINE_SECONDS = 30


async def project_all(log: EventLog, url: str) -> None:
    """Project all that the log holds now."""
    projector = Projector(log, url)
    task = asyncio.create_task(projector.run())
    wanted = {
        (topic, number): await log.end_offset(topic, number)
        for topic in (JOURNAL, DEFINITIONS, DEAD_LETTERS)
        for number in range(await log.partitions(topic))
    }
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while dict(projector.checkpoints) != wanted:
                assert not task.done(), "the projector ended"
                await asyncio.sleep(0.005)
    finally:
        projector.stop()
        await task
