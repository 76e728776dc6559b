"""A partition's local state in SQLite: contacts, ordered timers, waiting actions. A cache of the journal.

It says which journal offset it reflects, and is thrown away whenever it can't be trusted: another log, another
format, an offset or a last event that does not fit, or a machine that went down without a clean close (writes are
not synced: a killed process loses nothing, a power cut may).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from domain.evolve import initial
from domain.state import ContactState, PartitionState
from schemas.named_sql import load_sql
from streams.agenda import has_open, next_due_ms, pending_actions

FORMAT: Final = 5
"""Of the rows; a store of another format is folded anew. 2: the memory of inputs is bytes, not a list. 3: lateness.
 4: messages that are held, and that were sent. 5: waits for events, what was reported of messages, and closed
 enrollments whose message is asked about."""
CACHE_KIB: Final = 8_192
"""SQLite's own cache of one partition. A worker may have many; what it does not hold, the operating system does."""
_SQL: Final = load_sql("streams.sql", "store.sql")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Identity(msgspec.Struct, frozen=True):
    """Which journal a store was folded from."""

    cluster_id: str
    topic_id: str


class Reflected(msgspec.Struct, frozen=True, kw_only=True):
    """What a store holds of its journal."""

    identity: Identity
    offset: int = 0
    """The next journal offset to fold."""
    last_event: str | None = None
    """The id of the journal event at `offset - 1`."""
    positions: dict[str, int] = {}
    """The next offset of each input topic, as the journal says."""
    partition: PartitionState = PartitionState()
    format: int = FORMAT
    boot_id: str = ""
    clean: bool = False


def store_path(directory: Path, partition: int) -> Path:
    """Where a partition's store is."""
    return directory / f"partition-{partition}.sqlite"


class StoreMismatch(Exception):
    """The store can't be used with this journal and has to be folded anew."""


class Store:
    """The local state of one partition. All methods are quick and synchronous."""

    def __init__(self, path: Path, identity: Identity) -> None:
        """Open or create the store; one that can't be trusted is emptied first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._identity = path, identity
        try:
            self._open()
        except (StoreMismatch, sqlite3.DatabaseError, msgspec.DecodeError):
            self.reset()

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._db.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp_store=MEMORY;"
        )
        self._db.executescript(_SQL["create"])
        row = self._db.execute(_SQL["get_meta"]).fetchone()
        found = _meta_decoder.decode(row[0]) if row else Reflected(identity=self._identity)
        rebooted = found.boot_id not in ("", _boot_id()) and not found.clean
        if found.format != FORMAT or found.identity != self._identity or rebooted:
            raise StoreMismatch
        self.reflected = msgspec.structs.replace(found, boot_id=_boot_id(), clean=False)
        self._db.execute(_SQL["put_meta"], (_encoder.encode(self.reflected),))
        self._pending = self._db.execute(_SQL["has_pending"]).fetchone() is not None

    def reset(self) -> None:
        """Throw everything away: the journal will be folded from its start."""
        if hasattr(self, "_db"):
            self._db.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self._open()

    def get(self, contact_id: str) -> ContactState:
        """The contact's state; the initial one if nothing is known."""
        row = self._db.execute(_SQL["get_contact"], (contact_id,)).fetchone()
        return _state_decoder.decode(row[0]) if row else initial(contact_id)

    def apply(
        self,
        states: Mapping[str, ContactState],
        *,
        expected_offset: int,
        offset: int,
        last_event: str | None,
        positions: Mapping[str, int],
        partition: PartitionState,
    ) -> None:
        """Put the contacts' new states and what they reflect, all or nothing.

        Raises:
            StoreMismatch: the store does not reflect `expected_offset`.
        """
        if expected_offset != self.reflected.offset:
            message = f"the store reflects journal offset {self.reflected.offset}, expected {expected_offset}"
            raise StoreMismatch(message)
        reflected = msgspec.structs.replace(
            self.reflected,
            offset=offset,
            last_event=last_event or self.reflected.last_event,
            positions=dict(positions),
            partition=partition,
        )
        db = self._db
        db.execute("BEGIN")
        try:
            db.executemany(_SQL["put_contact"], _rows(states))
            self._put_pending(states)
            db.execute(_SQL["put_meta"], (_encoder.encode(reflected),))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        self.reflected = reflected

    def _put_pending(self, states: Mapping[str, ContactState]) -> None:
        waiting = [(contact_id, one) for contact_id, state in states.items() for one in pending_actions(state)]
        if self._pending:
            self._db.executemany(_SQL["clear_pending"], ((contact_id,) for contact_id in states))
        if waiting:
            rows = ((contact_id, p.enrollment_id, p.channel, p.since_ms, p.workflow_id) for contact_id, p in waiting)
            self._db.executemany(_SQL["put_pending"], rows)
        if waiting or self._pending:
            self._pending = self._db.execute(_SQL["has_pending"]).fetchone() is not None

    def adopt_positions(self, positions: Mapping[str, int]) -> None:
        """Take input positions that the journal says nothing of."""
        self.reflected = msgspec.structs.replace(self.reflected, positions={**positions, **self.reflected.positions})

    def due(self, until_ms: int, limit: int) -> list[str]:
        """Contacts with a timer due by then, earliest first."""
        return [row[0] for row in self._db.execute(_SQL["due_contacts"], (until_ms, limit))]

    def count_timers(self) -> int:
        """How many contacts wait for a timer; it reads an index from end to end."""
        return int(self._db.execute(_SQL["count_timers"]).fetchone()[0])

    def next_due_ms(self) -> int | None:
        """When the earliest timer of the partition is due."""
        row = self._db.execute(_SQL["next_due"]).fetchone()
        return row[0] if row else None

    def waiting(self, channel: str, limit: int, *, but: Sequence[str] = ()) -> list[tuple[str, str]]:
        """(contact id, enrollment id) of actions that wait for a slot of the channel, oldest request first.

        `but`: not those of these workflows.
        """
        if not self._pending or limit <= 0:
            return []
        return list(self._db.execute(_SQL["pending_contacts"], (channel, msgspec.json.encode(but).decode(), limit)))

    def waiting_channels(self) -> list[str]:
        """Channels for which actions wait."""
        return [row[0] for row in self._db.execute(_SQL["pending_channels"])] if self._pending else []

    def open_contacts(self, after: str, limit: int) -> list[str]:
        """Contacts with an open enrollment, in order of their ids, behind `after`."""
        return [row[0] for row in self._db.execute(_SQL["open_contacts"], (after, limit))]

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every contact's id and encoded state, in order: what two stores of one journal agree on."""
        yield from self._db.execute(_SQL["all_contacts"])

    def close(self) -> None:
        """Close cleanly, so that the next open may trust it even after a reboot."""
        self._db.execute("PRAGMA synchronous=FULL")
        self.reflected = msgspec.structs.replace(self.reflected, clean=True)
        self._db.execute(_SQL["put_meta"], (_encoder.encode(self.reflected),))
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


def encode_state(state: ContactState) -> bytes:
    """The state as bytes; equal states give equal bytes."""
    return _encoder.encode(state)


def _rows(states: Mapping[str, ContactState]) -> Iterable[Sequence[object]]:
    encode = _encoder.encode
    return ((contact_id, encode(state), next_due_ms(state), has_open(state)) for contact_id, state in states.items())


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"


_encoder = msgspec.json.Encoder(order="deterministic")
_state_decoder = msgspec.json.Decoder(ContactState)
_meta_decoder = msgspec.json.Decoder(Reflected)
