"""What each command came to; the first result of a command id stands, as the same id is the same wish."""

from uuid import UUID

from domain import journal as j
from domain.definition import DefinitionCommandResulted
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from projections.rows import Row
from schemas.dead_letter import MESSAGE, REASON
from schemas.event_log import Record
from schemas.replay import failed_replay, read_replay_note

_REPLAY = "replay_dead_letter"


def _resulted(changes: RowChanges, event: j.CommandResulted, _: Record) -> None:
    _keep(
        changes,
        {
            "command_id": event.command_id,
            "command_type": event.command_type,
            "result": event.result,
            "code": event.code,
            "reason": event.reason,
            "contact_id": event.contact_id,
            "workflow_id": None if event.workflow_id is None else _uuid_or_none(event.workflow_id),
            "enrollment_id": event.enrollment_id,
            "version": None,
            "definition_offset": None,
            "at": event.at_ms,
        },
    )


def _definition_resulted(changes: RowChanges, event: DefinitionCommandResulted, record: Record) -> None:
    _keep(
        changes,
        {
            "command_id": event.command_id,
            "command_type": event.command_type,
            "result": event.result,
            "code": event.code,
            "reason": event.reason,
            "contact_id": None,
            "workflow_id": _uuid_or_none(event.workflow_id),
            "enrollment_id": None,
            "version": event.version,
            "definition_offset": record.offset,
            "at": event.at_ms,
        },
    )


def _replayed(changes: RowChanges, record: Record) -> None:
    """A replay whose record became a dead letter again was rejected; the note tells the result that nobody else will."""
    note = read_replay_note(record)
    if note is not None:
        if note.result is not None and note.command_id:
            _keep(changes, _replay_result(note.command_id, record, result=note.result))
        return
    command_id = failed_replay(record)
    if command_id is not None:
        about = {name: value.decode(errors="replace") for name, value in record.headers}
        why = {"code": about.get(REASON, "unknown"), "reason": about.get(MESSAGE, "")}
        _keep(changes, _replay_result(command_id, record, result="rejected", **why))


def _replay_result(
    command_id: str, record: Record, *, result: str, code: str | None = None, reason: str | None = None
) -> Row:
    return {
        "command_id": command_id,
        "command_type": _REPLAY,
        "result": result,
        "code": code,
        "reason": reason,
        "contact_id": None,
        "workflow_id": None,
        "enrollment_id": None,
        "version": None,
        "definition_offset": None,
        "at": record.timestamp_ms,
    }


def _keep(changes: RowChanges, row: Row) -> None:
    if changes.command_results.get(row["command_id"]) is None:
        changes.command_results.insert(row["command_id"], row)


def _uuid_or_none(workflow_id: str) -> str | None:
    """A template's command has `template:<name>` in the place of a workflow id."""
    try:
        return str(UUID(workflow_id))
    except ValueError:
        return None


MODEL = ReadModel(
    name="command_results",
    tables=(tables.command_results,),
    journal={j.CommandResulted: _resulted},
    definitions={DefinitionCommandResulted: _definition_resulted},
    dead_letters=_replayed,
)
