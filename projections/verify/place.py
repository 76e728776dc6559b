"""One partition as a worker process is given it, and how a process goes about its work there."""

import asyncio
import contextlib
import gc
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from domain.state import PartitionState
from projections.verify.ledger import Ledger, Origin
from projections.verify.stores import OpenStore
from schemas.event_log import OpenLog

_T = TypeVar("_T")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One partition, and what is needed to verify it."""

    partition: int
    partitions: int
    directory: Path
    """Where the ledgers are."""
    origin: Origin
    open_log: OpenLog
    """To be asked for only when there is something to read: to reach a cluster takes longer than to read a little."""
    open_store: OpenStore | None = None

    def open_ledger(self) -> Ledger:
        """The partition's ledger; what is not committed to it is forgotten."""
        return Ledger(self.directory / f"partition-{self.partition}.sqlite", self.origin)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Do it in this process, which has nothing else to do."""
    with without_garbage_collection():
        return asyncio.run(work)


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Events, states and rows are trees: looking for cycles among them costs a third of the time and finds none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def partition_row(state: PartitionState) -> tuple[int, int]:
    """What the read side must show of a partition: how far its definitions are in force, and have reached everybody."""
    return state.catalogue_offset, state.reconciled_offset
