"""What replaying a dead letter appends: its record, at the home of its contact, and a note that it was done."""

import re
from typing import Any, Final
from uuid import UUID

import msgspec

from api.problems import Conflict, NotFound, Problem, TooLarge, Unprocessable
from api.services import Services
from domain.errors import HeadraceError
from domain.partition import home_partition
from schemas.command import decode_command
from schemas.contact_event import UnreadableContactEvent, read_contact_event
from schemas.definition_command import decode_definition_command
from schemas.event_log import NewRecord, Record
from schemas.replay import buried_record, read_replay_note, replay_note, replayed_record
from schemas.topics import COMMANDS, DEAD_LETTERS, DEFINITION_COMMANDS

_ID: Final = re.compile(r"(\d{1,9})-(\d{1,18})")
_DONE: Final = "accepted"
"""The result of a replayed command, whose own id is the one that the engine reports on."""


async def replay_records(
    services: Services, dead_letter_id: str, value: str | dict[str, Any] | None, command_id: UUID
) -> tuple[NewRecord, NewRecord]:
    """The record to append, and the note.

    Raises:
        NotFound: there is no such dead letter in the log.
        Conflict: the record came from no topic that the engine reads, or still can't be read.
        Unprocessable: the corrected value can't be read.
    """
    letter = await _letter(services, dead_letter_id)
    buried = buried_record(letter)
    readable = (services.topics.contact_events, COMMANDS, DEFINITION_COMMANDS)
    if buried is None or buried.topic not in readable:
        message = (
            f"expected a record from one of {', '.join(readable)}; dead letter {dead_letter_id} is from no such topic"
        )
        raise Conflict(message, code="not_replayable")
    content = letter.value if value is None else _bytes(value)
    record = replayed_record(buried, partition=buried.partition, value=content, command_id=str(command_id))
    home = _home(services, record, corrected=value is not None)
    from_outside = record.topic == services.topics.contact_events
    note = replay_note(letter, command_id=str(command_id), result=None if from_outside else _DONE)
    return msgspec.structs.replace(record, partition=home), note


async def _letter(services: Services, dead_letter_id: str) -> Record:
    """The letter byte for byte, as the log has it; the read side keeps its headers as text only."""
    place = _ID.fullmatch(dead_letter_id)
    if place is not None:
        partition, offset = int(place[1]), int(place[2])
        records = await services.commands.read(DEAD_LETTERS, partition, offset, limit=1)
        if records and records[0].offset == offset and read_replay_note(records[0]) is None:
            return records[0]
    message = f"dead letter {dead_letter_id!r} is not in the log"
    raise NotFound(message)


def _bytes(value: str | dict[str, Any]) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _home(services: Services, record: NewRecord, *, corrected: bool) -> int:
    """The partition to append to. What the engine would only bury again is not appended."""
    try:
        contact_id = _contact_of(record)
    except UnreadableContactEvent as error:
        raise _still_unreadable(error, error.reason, corrected=corrected) from error
    except HeadraceError as error:
        raise _still_unreadable(error, "unreadable_command", corrected=corrected) from error
    return record.partition if contact_id is None else home_partition(contact_id, services.partitions)


def _contact_of(record: NewRecord) -> str | None:
    """Whom the record is about; None for a definition command."""
    value = record.value or b""
    if record.topic == DEFINITION_COMMANDS:
        decode_definition_command(value)
        return None
    if record.topic == COMMANDS:
        return decode_command(value).contact_id
    return read_contact_event(
        topic=record.topic,
        partition=record.partition,
        offset=0,
        key=record.key,
        value=record.value,
        headers=record.headers,
    ).contact_id


def _still_unreadable(error: HeadraceError, reason: str, *, corrected: bool) -> Problem:
    if not corrected:
        message = f"the record still cannot be read: {error}; replay it with a corrected value"
        return Conflict(message, code=reason)
    return (TooLarge if reason == "oversize" else Unprocessable)(str(error), code=reason)
