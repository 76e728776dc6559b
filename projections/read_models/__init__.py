"""All read models, in the order in which each event is folded into them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from domain.definition import DefinitionEvent
from domain.journal import JournalEvent
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

_E = TypeVar("_E")

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


class Folds(msgspec.Struct, frozen=True, kw_only=True):
    """What folds each type of event, over some read models."""

    journal: Mapping[type[JournalEvent], tuple[Fold, ...]]
    definitions: Mapping[type[DefinitionEvent], tuple[Fold, ...]]
    dead_letters: tuple[Callable[[RowChanges, Record], None], ...]


def folds_of(models: Iterable[ReadModel]) -> Folds:
    """The folds of these models; they are given in the order of `READ_MODELS`."""
    models = tuple(models)
    return Folds(
        journal=_by_type([model.journal for model in models]),
        definitions=_by_type([model.definitions for model in models]),
        dead_letters=tuple(model.dead_letters for model in models if model.dead_letters is not None),
    )


def _by_type(given: Iterable[Mapping[type[_E], Fold]]) -> dict[type[_E], tuple[Fold, ...]]:
    folds: dict[type[_E], tuple[Fold, ...]] = {}
    for one in given:
        for event_type, fold in one.items():
            folds[event_type] = (*folds.get(event_type, ()), fold)
    return folds


EVERY_FOLD: Final = folds_of(READ_MODELS)


def fold_journal_event(changes: RowChanges, event: Any, record: Record, folds: Folds = EVERY_FOLD) -> None:
    """Fold one journal event into every read model that shows it."""
    for fold in folds.journal.get(type(event), ()):
        fold(changes, event, record)


def fold_definition_event(changes: RowChanges, event: Any, record: Record, folds: Folds = EVERY_FOLD) -> None:
    """Fold one definition event into every read model that shows it."""
    for fold in folds.definitions.get(type(event), ()):
        fold(changes, event, record)


def fold_dead_letter(changes: RowChanges, record: Record, folds: Folds = EVERY_FOLD) -> None:
    """Fold one dead letter into every read model that shows it."""
    for fold in folds.dead_letters:
        fold(changes, record)
