"""Rows as they were: a contact's journal up to a moment, folded in memory by the read models' own folds."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from domain.journal import JournalEvent
from projections.changes import RowChanges
from projections.read_models import fold_journal_event
from projections.rows import Row
from projections.sql_text import as_stored
from schemas.event_log import Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def rows_of(
    journal: Iterable[tuple[JournalEvent, Record]], names: Mapping[tuple[str, int], str] | None = None
) -> RowChanges:
    """The rows that these events make; all of a contact's up to a moment, or all of some enrollments'.

    Args:
        journal: events with their records, in order.
        names: of each version of each workflow that the events speak of, for the timeline's words.
    """
    changes = RowChanges(dict(names or {}))
    for event, record in journal:
        fold_journal_event(changes, event, record)
    return changes


def as_read(table: sa.Table, row: Row) -> Row:
    """A folded row as the database would give it back: times as such, JSON and text as they are kept."""
    return {column.name: _as_read(column, row[column.name]) for column in table.columns}


def _as_read(column: sa.Column[Any], value: Any) -> Any:
    if isinstance(column.type, sa.DateTime):
        return None if value is None else moment(value)
    return list(as_stored(value)) if isinstance(value, tuple) else as_stored(value)


def moment(at_ms: int) -> datetime:
    """A time as the database gives it back."""
    try:
        return _EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return _LATEST
