"""Replaying a dead letter: the record goes to its topic again as it was, and a note beside the letter says so.

Both are appended together. What had no id of its own keeps the place where it first stood as its id, so that a record
that is replayed twice is taken in once.
"""

from typing import Final
from uuid import UUID

import msgspec

from schemas.dead_letter import OFFSET, ORIGINAL_PREFIX, PARTITION, TOPIC
from schemas.event_log import NewRecord, Record
from schemas.replay_headers import COMMAND_HEADER, ORIGINAL_HEADER
from schemas.topics import DEAD_LETTERS

REPLAYED_HEADER: Final = "headrace-replayed"
"""Of a note among the dead letters: the id of the letter whose record was appended again."""
RESULT_HEADER: Final = "headrace-result"
"""Of a note: what the replay came to, where nobody else will say."""
_NOWHERE: Final = "-1"
_OURS: Final = frozenset({ORIGINAL_HEADER, COMMAND_HEADER})


class ReplayNote(msgspec.Struct, frozen=True, kw_only=True):
    """That a dead letter was replayed, by which command."""

    letter_id: str
    command_id: str
    result: str | None = None


def letter_id(record: Record) -> str:
    """The id of a dead letter: where it stands among them."""
    return f"{record.partition}-{record.offset}"


def buried_record(letter: Record) -> Record | None:
    """The record that a dead letter keeps, as it was; None when the letter does not say where that stood.

    A record that was a replay itself keeps the place where it first stood.
    """
    about = dict(reversed(letter.headers))
    topic, partition, offset = (about.get(name, b"").decode(errors="replace") for name in (TOPIC, PARTITION, OFFSET))
    if topic and not partition and not offset:  # it never stood there
        partition, offset = str(letter.partition), _NOWHERE
    elif not (topic and partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        return None
    original = [(name, value) for name, value in letter.headers if name.startswith(ORIGINAL_PREFIX)]
    return Record(
        topic=topic,
        partition=int(partition),
        offset=int(offset),
        timestamp_ms=letter.timestamp_ms,
        key=letter.key,
        value=letter.value,
        headers=tuple((name.removeprefix(ORIGINAL_PREFIX), value) for name, value in original),
    )


def replayed_record(buried: Record, *, partition: int, value: bytes | None, command_id: str) -> NewRecord:
    """The record to append again; `value` may be a corrected one."""
    place = f"{buried.topic}/{buried.partition}/{buried.offset}".encode()
    first_place = next((content for name, content in buried.headers if name == ORIGINAL_HEADER), place)
    kept = tuple((name, content) for name, content in buried.headers if name not in _OURS)
    ours = ((ORIGINAL_HEADER, first_place),) if buried.offset >= 0 else ()
    ours = (*ours, (COMMAND_HEADER, command_id.encode()))
    return NewRecord(topic=buried.topic, partition=partition, key=buried.key, value=value, headers=(*kept, *ours))


def replay_note(letter: Record, *, command_id: str, result: str | None = None) -> NewRecord:
    """The note that the letter was replayed; it stands behind the letter, in the same partition."""
    facts = {REPLAYED_HEADER: letter_id(letter), COMMAND_HEADER: command_id}
    if result is not None:
        facts[RESULT_HEADER] = result
    return NewRecord(
        topic=DEAD_LETTERS,
        partition=letter.partition,
        key=letter.key,
        value=None,
        headers=tuple((name, text.encode()) for name, text in facts.items()),
    )


def read_replay_note(record: Record) -> ReplayNote | None:
    """The note that a record of the dead letters is; None for a dead letter."""
    about = _texts(record)
    replayed = about.get(REPLAYED_HEADER)
    if replayed is None:
        return None
    command_id = about.get(COMMAND_HEADER, "")
    return ReplayNote(
        letter_id=replayed, command_id=command_id if _is_uuid(command_id) else "", result=about.get(RESULT_HEADER)
    )


def failed_replay(letter: Record) -> str | None:
    """The command of the replay whose record became this dead letter; None for any other letter."""
    found = _texts(letter).get(ORIGINAL_PREFIX + COMMAND_HEADER)
    return found if found is not None and _is_uuid(found) else None


def _texts(record: Record) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in reversed(record.headers)}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
