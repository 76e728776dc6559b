"""A span of one source: records up to a bound, in whole transactions."""

from collections.abc import Sequence

from projections.batch import last_end
from projections.checkpoints import Source
from schemas.event_log import LogReader, Record
from schemas.topics import JOURNAL


async def read_span(log: LogReader, source: Source, start: int, stop: int, *, size: int) -> Sequence[Record]:
    """About `size` records from `start` on and before `stop`; of the journal whole transactions only. Empty at the end."""
    records: list[Record] = []
    while start < stop:
        chunk = await log.read(*source, start, limit=min(size, stop - start))
        if chunk.next <= start:
            break
        start = chunk.next
        records.extend(chunk if start <= stop else [record for record in chunk if record.offset < stop])
        if len(records) >= size and (end := _end(source, records)):
            return records[:end]
    return records[: _end(source, records)]


def _end(source: Source, records: Sequence[Record]) -> int:
    return last_end(records) or 0 if source[0] == JOURNAL else len(records)
