"""All read models, in the order in which each event is folded into them."""

from typing import Any, Final

from projections.changes import RowChanges
from projections.read_models import (
    command_results,
    consents,
    contacts,
    dead_letters,
    enrollments,
    executions,
    incidents,
    ledger,
    partitions,
    timeline,
    workflows,
)
from projections.read_models.model import Fold, ReadModel
from schemas.event_log import Record

READ_MODELS: Final[tuple[ReadModel, ...]] = (
    workflows.MODEL,
    contacts.MODEL,
    enrollments.MODEL,
    executions.MODEL,  # after enrollments, whose row it reads
    ledger.MODEL,  # after enrollments, whose row it reads
    incidents.MODEL,
    command_results.MODEL,
    consents.MODEL,
    partitions.MODEL,
    dead_letters.MODEL,
    timeline.MODEL,
)


def _by_type(kind: str) -> dict[type[Any], tuple[Fold, ...]]:
    folds: dict[type[Any], tuple[Fold, ...]] = {}
    for model in READ_MODELS:
        for event_type, fold in getattr(model, kind).items():
            folds[event_type] = (*folds.get(event_type, ()), fold)
    return folds


_JOURNAL: Final = _by_type("journal")
_DEFINITIONS: Final = _by_type("definitions")


def fold_journal_event(changes: RowChanges, event: Any, record: Record) -> None:
    """Fold one journal event into every read model that shows it."""
    for fold in _JOURNAL.get(type(event), ()):
        fold(changes, event, record)


def fold_definition_event(changes: RowChanges, event: Any, record: Record) -> None:
    """Fold one definition event into every read model that shows it."""
    for fold in _DEFINITIONS.get(type(event), ()):
        fold(changes, event, record)


def fold_dead_letter(changes: RowChanges, record: Record) -> None:
    """Fold one dead letter into every read model that shows it."""
    for model in READ_MODELS:
        if model.dead_letters is not None:
            model.dead_letters(changes, record)
