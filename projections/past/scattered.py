"""Reading records that lie scattered in a partition, in few reads."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, Protocol

from projections.errors import MissingRecord
from schemas.event_log import Chunk, Record

NEAR: Final = 500
"""Offsets that lie no farther apart are read in one go: what lies between costs less than another read."""
_LONGEST: Final = 10_000
"""Offsets that one read may span, so that what is held in memory stays small however many are asked for."""
_AHEAD: Final = 8
"""Reads under way at once."""


class RecordReader(Protocol):
    """What is needed of a log: every `LogReader` offers it."""

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on, without waiting."""
        ...


async def records_at(log: RecordReader, topic: str, partition: int, offsets: Sequence[int]) -> AsyncIterator[Record]:
    """The records at these offsets, which rise, in order.

    Raises:
        MissingRecord: there is none at one of them.
    """
    under_way: deque[asyncio.Task[list[Record]]] = deque()
    try:
        for run in runs(offsets):
            under_way.append(asyncio.create_task(_read_run(log, topic, partition, run)))
            if len(under_way) >= _AHEAD:
                for record in await under_way.popleft():
                    yield record
        while under_way:
            for record in await under_way.popleft():
                yield record
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def runs(offsets: Sequence[int]) -> Iterator[list[int]]:
    """The offsets in groups, each to be read in one go."""
    run: list[int] = []
    for offset in offsets:
        if run and (offset - run[-1] > NEAR or offset - run[0] >= _LONGEST):
            yield run
            run = []
        run.append(offset)
    if run:
        yield run


async def _read_run(log: RecordReader, topic: str, partition: int, run: Sequence[int]) -> list[Record]:
    wanted, last = set(run), run[-1]
    found: list[Record] = []
    offset = run[0]
    while offset <= last:
        chunk = await log.read(topic, partition, offset, limit=last - offset + 1)
        found += [record for record in chunk if record.offset in wanted]
        if chunk.next <= offset:
            break
        offset = chunk.next
    if len(found) != len(run):
        missing = min(wanted - {record.offset for record in found})
        message = (
            f"expected a record at offset {missing} of {topic}, partition {partition}, and found none: "
            "the read side was made from another log; rebuild it"
        )
        raise MissingRecord(message)
    return found
