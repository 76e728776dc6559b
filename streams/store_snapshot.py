"""A store as the verifier reads it: one state of it, read-only, while its worker goes on writing."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.state import ContactState, PartitionState
from projections.verify.ledger import Origin
from projections.verify.stores import Misfiled, NoStore
from schemas.named_sql import load_sql
from streams.agenda import has_open, next_due_ms, pending_actions
from streams.store import FORMAT, Identity, Reflected, store_path

_SQL: Final = load_sql("streams.sql", "store.sql")
_meta: Final = msgspec.json.Decoder(Reflected)
_state: Final = msgspec.json.Decoder(ContactState)


class SqliteStoreSnapshot:
    """The port `StoreSnapshot` on a store's file."""

    def __init__(self, db: sqlite3.Connection, reflected: Reflected) -> None:
        self._db, self._reflected = db, reflected

    @property
    def offset(self) -> int:
        """The next journal offset that the store has not folded."""
        return self._reflected.offset

    @property
    def partition(self) -> PartitionState:
        """What the store knows of its partition."""
        return self._reflected.partition

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every contact's id and encoded state, in order of the ids' bytes."""
        yield from self._db.execute(_SQL["all_contacts"])

    def misfiled(self) -> Iterator[Misfiled]:
        """Timers, waiting actions and the mark of an open enrollment that do not fit the states they stand beside."""
        for contact_id, state, due_ms, is_open, waiting in self._db.execute(_SQL["all_filed"]):
            found = (due_ms, is_open, [tuple(one) for one in msgspec.json.decode(waiting)])
            try:
                expected = _filed(state)
            except msgspec.MsgspecError:
                continue  # the state itself is compared elsewhere
            for column, wanted, got in zip(("due_ms", "is_open", "pending"), expected, found, strict=True):
                if wanted != got:
                    yield Misfiled(contact_id, column, wanted, got)
        for (contact_id,) in self._db.execute(_SQL["pending_strays"]):
            yield Misfiled(contact_id, "pending", None, contact_id)


def _filed(state: bytes) -> tuple[Any, ...]:
    """What a store files beside a state."""
    decoded = _state.decode(state)
    waiting = sorted(
        (one.enrollment_id, one.channel, one.since_ms, one.workflow_id) for one in pending_actions(decoded)
    )
    return next_due_ms(decoded), int(has_open(decoded)), waiting


@contextlib.contextmanager
def open_store_snapshot(directory: Path, partition: int, origin: Origin) -> Iterator[SqliteStoreSnapshot]:
    """Open a partition's store in the directory.

    Raises:
        NoStore: there is none, it was folded from another journal or by another version, or it can't be read.
    """
    path = store_path(directory, partition)
    if not path.is_file():
        message = "no store on this machine"
        raise NoStore(message)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)
    try:
        db.execute("BEGIN")
        row = db.execute(_SQL["get_meta"]).fetchone()
        reflected = _meta.decode(row[0]) if row else None
        if reflected is None or reflected.format != FORMAT:
            message = "its store has another format: its worker folds it anew when it opens it"
            raise NoStore(message)
        if reflected.identity != Identity(origin.cluster_id, origin.topic_id):
            message = "its store was folded from another journal"
            raise NoStore(message)
        yield SqliteStoreSnapshot(db, reflected)
    except msgspec.MsgspecError as error:
        raise NoStore(f"its store can't be read: {error}") from error
    finally:
        db.close()
