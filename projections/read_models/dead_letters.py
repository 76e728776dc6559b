"""Dead letters: records that could not be read, whole, with the reason, and whether they were replayed."""

from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from schemas.event_log import Record
from schemas.replay import ReplayNote, letter_id, read_replay_note

_ORIGINAL = "original-"


def _kept(changes: RowChanges, record: Record) -> None:
    note = read_replay_note(record)
    if note is not None:
        _replayed(changes, note, record)
    else:
        _buried(changes, record)


def _buried(changes: RowChanges, record: Record) -> None:
    about: dict[str, str] = {}
    original: dict[str, str] = {}
    for name, value in record.headers:
        text = value.decode("utf-8", errors="replace")
        if name.startswith(_ORIGINAL):
            original.setdefault(name.removeprefix(_ORIGINAL), text)  # of equal names the first is gone by
        else:
            about.setdefault(name, text)
    id_ = letter_id(record)
    changes.dead_letters.insert(
        id_,
        {
            "id": id_,
            "reason": about.get("headrace-reason", "unknown"),
            "message": about.get("headrace-message", ""),
            "topic": about.get("headrace-topic", ""),
            "partition": _number(about.get("headrace-partition")),
            "offset": _number(about.get("headrace-offset")),
            "key": record.key,
            "value": record.value,
            "headers": original,
            "at": record.timestamp_ms,
            "status": "open",
            "replayed_at": None,
            "replayed_by": None,
        },
    )


def _replayed(changes: RowChanges, note: ReplayNote, record: Record) -> None:
    columns = {"status": "replayed", "replayed_at": record.timestamp_ms, "replayed_by": note.command_id or None}
    changes.dead_letters.set(note.letter_id, columns)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


MODEL = ReadModel(name="dead_letters", tables=(tables.dead_letters,), dead_letters=_kept)
