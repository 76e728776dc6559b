"""The shape of a read model: which events it folds, and how."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from domain.definition import DefinitionEvent
from domain.journal import JournalEvent
from projections.changes import RowChanges
from schemas.event_log import Record

Fold = Callable[[RowChanges, Any, Record], None]
"""Folds one event, which stands in the log as this record, into the batch's rows."""


class ReadModel(msgspec.Struct, frozen=True, kw_only=True):
    """One view of what happened. Every journal event type is folded or ignored on purpose."""

    name: str
    tables: tuple[sa.Table, ...]
    """What it writes; no other model does."""
    reads: tuple[str, ...] = ()
    """The models whose rows its own are made from: it is never rebuilt without them."""
    journal: Mapping[type[JournalEvent], Fold] = {}
    ignores: frozenset[type[JournalEvent]] = frozenset()
    """Journal events that say nothing to this view; a test holds that no other is left out."""
    definitions: Mapping[type[DefinitionEvent], Fold] = {}
    dead_letters: Callable[[RowChanges, Record], None] | None = None
