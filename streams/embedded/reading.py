"""Reading records back from the log's file, a few chunks at a time."""

import sqlite3
from typing import Final, NamedTuple

from schemas.event_log import Record
from streams.embedded import schema
from streams.embedded.chunk import decode_chunk

_READ_BYTES: Final = 1024 * 1024
"""A read ends early when it has so much, that a few large records don't fill the memory."""


class Place(NamedTuple):
    """A partition of a topic, and its number among all of the log."""

    topic: str
    partition: int
    number: int


def read_records(
    connection: sqlite3.Connection, place: Place, offset: int, *, limit: int, end: int | None = None
) -> list[Record]:
    """Up to `limit` records from `offset` on and below `end` (None: all that is committed).

    Raises:
        ValueError: offset or limit is not a number of records.
    """
    if offset < 0 or limit < 1:
        message = f"expected an offset of 0 or more and a limit of 1 or more; found {offset} and {limit}"
        raise ValueError(message)
    number = place.number
    bounds = {
        "start": schema.position_of(number, 0),
        "wanted": schema.position_of(number, offset),
        "end": schema.position_of(number + 1, 0) if end is None else schema.position_of(number, end),
    }
    records: list[Record] = []
    size = 0
    for position, _count, timestamp_ms, data in connection.execute(schema.CHUNKS_FROM, bounds):
        first = schema.offset_of(position)
        chunk = decode_chunk(data, topic=place.topic, partition=place.partition, first=first, timestamp_ms=timestamp_ms)
        records += chunk[max(0, offset - first) :]
        size += len(data)
        if len(records) >= limit or size >= _READ_BYTES:
            break
    return records[:limit]
