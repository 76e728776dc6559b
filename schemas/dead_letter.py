"""Dead letters: a record that could not be read, kept byte for byte with the reason."""

from schemas.event_log import NewRecord, Record
from schemas.topics import DEAD_LETTERS

REASON, MESSAGE, TOPIC, PARTITION, OFFSET = (
    f"headrace-{name}" for name in ("reason", "message", "topic", "partition", "offset")
)
ORIGINAL_PREFIX = "original-"


def dead_letter(record: Record, reason: str, message: str) -> NewRecord:
    """The record for the dead letters: key and value as they were, everything else in headers."""
    return _letter(record, reason, message, {PARTITION: str(record.partition), OFFSET: str(record.offset)})


def unsent_letter(record: NewRecord, reason: str, message: str) -> NewRecord:
    """A dead letter for a record that was never appended to its topic: it says which, and no place there."""
    return _letter(record, reason, message, {})


def _letter(record: Record | NewRecord, reason: str, message: str, place: dict[str, str]) -> NewRecord:
    facts = {REASON: reason, MESSAGE: message, TOPIC: record.topic, **place}
    headers = tuple((name, text.encode(errors="replace")) for name, text in facts.items())
    original = tuple((ORIGINAL_PREFIX + name, value) for name, value in record.headers)
    return NewRecord(
        topic=DEAD_LETTERS,
        partition=record.partition,
        key=record.key,
        value=record.value,
        headers=headers + original,
    )
