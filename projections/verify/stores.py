"""The port to a worker's store of one partition, as the verifier reads it: one state of it, while its worker goes on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from domain.errors import HeadraceError
from domain.state import PartitionState
from projections.verify.ledger import Origin


class NoStore(HeadraceError):
    """There is no store of this partition here that could be compared."""


class Misfiled(msgspec.Struct, frozen=True):
    """What a store keeps beside a contact's state (its timer, its waiting actions), and does not fit it."""

    contact_id: str
    column: str
    expected: Any
    found: Any


class StoreSnapshot(Protocol):
    """One state of a store."""

    @property
    def offset(self) -> int:
        """The next journal offset that the store has not folded."""
        ...

    @property
    def partition(self) -> PartitionState:
        """What the store knows of its partition."""
        ...

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every contact's id and encoded state, in order of the ids' bytes."""
        ...

    def misfiled(self) -> Iterator[Misfiled]:
        """What does not fit the states that it stands beside."""
        ...


OpenStore = Callable[[int, Origin], AbstractContextManager[StoreSnapshot]]
"""Opens a partition's store; can be pickled. Raises `NoStore` when there is none of this journal, or an unreadable one."""
