"""A chunk: records that one commit appended to one partition, together in one row of the log's file.

A row for each commit, not for each record: SQLite then runs one statement where it would run a thousand, and the
writing thread asks for the interpreter's lock as seldom.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from schemas.event_log import NewRecord, Record

_MAX_RECORDS: Final = 512
_MAX_BYTES: Final = 256 * 1024
"""A reader of one record decodes the chunk it stands in, so chunks are kept small; a larger record stands alone."""

_Stored = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[_Stored]).decode


class EncodedChunk(msgspec.Struct, frozen=True):
    """Records of one partition, encoded, before they have their offsets."""

    records: Sequence[NewRecord]
    data: bytes


def encode_chunks(records: Iterable[NewRecord]) -> list[EncodedChunk]:
    """The records of one partition in chunks, in order.

    Raises:
        TypeError: a key, value or header is not of bytes: written, it could not be read again.
    """
    return [EncodedChunk(part, _encode([_stored(record) for record in part])) for part in _parts(records)]


def decode_chunk(data: bytes, *, topic: str, partition: int, first: int, timestamp_ms: int) -> list[Record]:
    """The records of a row, the first of which has the offset `first`."""
    return [
        Record(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp_ms=timestamp_ms,
            key=key,
            value=value,
            headers=headers,
        )
        for offset, (key, value, headers) in enumerate(_decode(data), first)
    ]


def with_offsets(records: Iterable[NewRecord], *, first: int, timestamp_ms: int) -> tuple[Record, ...]:
    """The records as they stand in the log once written."""
    return tuple(
        Record(
            topic=record.topic,
            partition=record.partition,
            offset=offset,
            timestamp_ms=timestamp_ms,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        for offset, record in enumerate(records, first)
    )


def _parts(records: Iterable[NewRecord]) -> Iterator[list[NewRecord]]:
    part: list[NewRecord] = []
    size = 0
    for record in records:
        more = len(record.key or b"") + len(record.value or b"")
        if part and (len(part) == _MAX_RECORDS or size + more > _MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(record)
        size += more
    if part:
        yield part


def _stored(record: NewRecord) -> _Stored:
    key, value, headers = record.key, record.value, record.headers
    if not (
        (key is None or type(key) is bytes)
        and (value is None or type(value) is bytes)
        and (not headers or all(type(name) is str and type(content) is bytes for name, content in headers))
    ):
        found = f"{type(key).__name__}, {type(value).__name__} and {headers.__class__.__name__}"
        message = f"expected key, value and headers of bytes in a record to {record.topic}; found {found}"
        raise TypeError(message)
    return key, value, headers
