"""Projecting a batch: its rows and its checkpoints, in the transaction of a cursor. Live and in a rebuild alike."""

from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from projections import checkpoints
from projections.batch import Events
from projections.changes import RowChanges
from projections.database import connect
from projections.errors import UnreadableRecord
from projections.loading import load
from projections.read_models import EVERY_FOLD, Folds, fold_dead_letter, fold_definition_event, fold_journal_event
from schemas.event_log import Record

Connection = psycopg.Connection[dict[str, Any]]
_decode_json: Final = msgspec.json.Decoder().decode


def projecting_connection(url: str, *, application_name: str) -> Connection:
    """A connection whose rows are as `project` expects them.

    Raises:
        DatabaseUnreachable: it could not be made.
    """
    connection: Connection = connect(url, application_name=application_name)  # type: ignore[assignment]
    connection.row_factory = dict_row
    set_json_loads(_decode_json, connection)
    return connection


def project(
    cursor: psycopg.Cursor[dict[str, Any]], events: Events, names: dict[tuple[str, int], str], folds: Folds = EVERY_FOLD
) -> None:
    """Move the checkpoints, read what the events build on, fold them and write the rows; the caller commits.

    Args:
        cursor: of a connection whose search path leads to the tables.
        events: the batch, decoded.
        names: the names of workflow versions that are known by now; it is kept from batch to batch.
        folds: of which read models.

    Raises:
        CheckpointConflict: somebody else has moved one of the checkpoints.
        UnreadableRecord: an event contradicts those before it.
    """
    checkpoints.move(cursor, events.moves)
    changes = RowChanges(names)
    load(cursor, changes, [event for event, _ in events.definitions], [event for event, _ in events.journal])
    fold(changes, events, folds)
    changes.write(cursor)


def fold(changes: RowChanges, events: Events, folds: Folds = EVERY_FOLD) -> None:
    """Fold a batch's events into its rows, definitions first.

    Raises:
        UnreadableRecord: an event contradicts those before it.
    """
    record: Record | None = None
    try:
        for event, record in events.definitions:
            fold_definition_event(changes, event, record, folds)
        for event, record in events.journal:
            fold_journal_event(changes, event, record, folds)
        for record in events.dead_letters:
            fold_dead_letter(changes, record, folds)
    except Exception as error:
        assert record is not None
        message = (
            f"the projector stopped at {record.topic}, partition {record.partition}, offset {record.offset}, "
            f"which it could not project: {type(error).__name__}: {error}"
        )
        raise UnreadableRecord(message) from error
