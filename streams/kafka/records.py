"""Records as Kafka's clients give and take them."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.event_log import NewRecord, Record
from streams.kafka.errors import RecordTooLarge
from streams.kafka.settings import JOURNAL_MAX_BYTES

_ENVELOPE_BYTES: Final = 512
"""More than a batch's and a record's own fields take up beside key, value and headers."""

_MAX_BYTES: Final = JOURNAL_MAX_BYTES - _ENVELOPE_BYTES

Place = tuple[str, int]
"""A topic and a partition."""


def record_of(message: Any) -> Record:
    """A consumed message."""
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp_ms=max(0, message.timestamp()[1]),
        key=message.key(),
        value=message.value(),
        headers=tuple([(name, content or b"") for name, content in message.headers() or ()]),
    )


def size_of(record: Record | NewRecord) -> int:
    """Bytes of content."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, content in record.headers:
        size += len(name) + len(content)
    return size


def check_records(records: Sequence[NewRecord]) -> None:
    """Refuse what could not be written, or not be read again as it was, before anything is sent.

    Raises:
        TypeError: a key, value or header is not of bytes.
        RecordTooLarge: a record is larger than any topic of ours takes.
    """
    for record in records:
        key, value = record.key, record.value
        if not ((key is None or type(key) is bytes) and (value is None or type(value) is bytes)):
            raise _not_bytes(record)
        for name, content in record.headers:
            if type(name) is not str or type(content) is not bytes:
                raise _not_bytes(record)
            if "\0" in name:
                message = (
                    f"expected header names without NUL in a record to {record.topic}: Kafka's clients cut them there"
                )
                raise TypeError(message)
        if (size := size_of(record)) > _MAX_BYTES:
            message = f"a record to {record.topic} has {size} bytes, expected at most {_MAX_BYTES}; nothing was written"
            raise RecordTooLarge(message)


def _not_bytes(record: NewRecord) -> TypeError:
    found = f"{type(record.key).__name__}, {type(record.value).__name__} and {type(record.headers).__name__}"
    return TypeError(f"expected key, value and headers of bytes in a record to {record.topic}; found {found}")
