"""The plan of a rebuild: which projections, and with them those whose rows they are made from."""

from collections.abc import Iterable
from functools import cached_property
from typing import Final

from projections.errors import ProjectionError
from projections.read_models import READ_MODELS, Folds, folds_of
from projections.read_models.model import ReadModel
from projections.tables import checkpoints
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL

_BY_NAME: Final = {model.name: model for model in READ_MODELS}
ALL_TABLES: Final = (*(table.name for model in READ_MODELS for table in model.tables), checkpoints.name)
"""Every table that a schema of the read side has."""


class UnknownProjection(ProjectionError):
    """There is no projection of this name."""


class Plan:
    """Read models that are rebuilt together."""

    def __init__(self, models: tuple[ReadModel, ...]) -> None:
        self.models = models

    @property
    def names(self) -> tuple[str, ...]:
        """The projections by name, in the order in which they are folded."""
        return tuple(model.name for model in self.models)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are rebuilt and swapped."""
        return tuple(str(table.name) for model in self.models for table in model.tables)

    @property
    def whole(self) -> bool:
        """Whether this is all of the read side."""
        return self.models == READ_MODELS

    @cached_property
    def folds(self) -> Folds:
        """What folds each event into these projections."""
        return folds_of(self.models)

    def reads(self, topic: str) -> bool:
        """Whether the topic says anything to these projections; what doesn't is passed over unread."""
        folds = {
            JOURNAL: self.folds.journal,
            DEFINITIONS: self.folds.definitions,
            DEAD_LETTERS: self.folds.dead_letters,
        }
        return bool(folds[topic])


def plan_of(names: Iterable[str]) -> Plan:
    """The plan for these projections (none: all), and those that they read, for a row is as right as what it is made from.

    Raises:
        UnknownProjection: there is none of such a name.
    """
    wanted = list(names) or list(_BY_NAME)
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in _BY_NAME:
            message = f"expected one of the projections {', '.join(_BY_NAME)}, found {name!r}"
            raise UnknownProjection(message)
        if name not in found:
            found.add(name)
            wanted.extend(_BY_NAME[name].reads)
    return Plan(tuple(model for model in READ_MODELS if model.name in found))
