"""The verifier's own memory of one partition: every contact as folded up to an offset, in an SQLite file.

It is disposable: without it a verification folds from the journal's start. It is never the workers' store nor the read
side's database, which are what is to be verified.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from domain.errors import JournalGap
from domain.state import ContactState, PartitionState
from projections.verify.digest import digest_kept, exchange, from_bytes, to_bytes
from projections.verify.expected import Ended
from projections.verify.folded import Folded

FORMAT: Final = 4
"""Of what is kept; a change of the derivation in `expected` is one too."""
_CREATE: Final = """
PRAGMA page_size = 16384;
PRAGMA journal_mode = TRUNCATE;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -16384;
CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS contacts (
    id TEXT PRIMARY KEY, state BLOB NOT NULL, row_seq INTEGER NOT NULL, ended BLOB, settled BLOB NOT NULL,
    shown BLOB NOT NULL, kept BLOB NOT NULL
);
"""
_PUT_META: Final = "INSERT OR REPLACE INTO meta (id, body) VALUES (1, ?)"
_GET: Final = "SELECT state, row_seq, ended, settled, shown, kept FROM contacts WHERE id = ?"
_INSERT: Final = "INSERT INTO contacts (state, row_seq, ended, settled, shown, kept, id) VALUES (?, ?, ?, ?, ?, ?, ?)"
_UPDATE: Final = "UPDATE contacts SET state = ?, row_seq = ?, ended = ?, settled = ?, shown = ?, kept = ? WHERE id = ?"
_DIGESTS: Final = "SELECT id, {} FROM contacts ORDER BY id"


class Origin(msgspec.Struct, frozen=True):
    """Which journal a ledger was folded from."""

    cluster_id: str
    topic_id: str


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ledger stands, and the sums over all of its contacts."""

    origin: Origin
    format: int = FORMAT
    offset: int = 0
    """The next journal offset to fold."""
    events: int = 0
    contacts: int = 0
    shown: bytes = bytes(16)
    """The sum of the digests of all rows that the read side must show."""
    kept: bytes = bytes(16)
    """The sum of the digests of all states as a store keeps them."""
    partition: PartitionState = PartitionState()


class Ledger:
    """One partition's ledger; changes count from `commit` on."""

    def __init__(self, path: Path, origin: Origin) -> None:
        """Open or make it; one of another journal or format, or a broken one, is begun anew."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path, self._origin = path, origin
        try:
            self._open()
        except (sqlite3.DatabaseError, msgspec.MsgspecError):
            self.begin_anew()

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.executescript(_CREATE)
        self._db.execute(_GET, ("",))  # fails where the table is from before a change of its columns
        row = self._db.execute("SELECT body FROM meta").fetchone()
        self.stand = _stand.decode(row[0]) if row else Stand(origin=self._origin)
        if (self.stand.origin, self.stand.format) != (self._origin, FORMAT):
            message = "a ledger of another journal or format"
            raise msgspec.ValidationError(message)
        self._db.execute("BEGIN")

    def begin_anew(self) -> None:
        """Forget everything."""
        if hasattr(self, "_db"):
            self._db.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._open()

    def get(self, contact_id: str) -> "Entry | None":
        """What is known of a contact."""
        row = self._db.execute(_GET, (contact_id,)).fetchone()
        if row is None:
            return None
        state, row_seq, ended, *digests = row
        settled, shown, kept = map(from_bytes, digests)
        folded = Folded(_state.decode(state), row_seq, _ended.decode(ended) if ended else {}, settled_digest=settled)
        return Entry(folded, shown, kept)

    def put(self, entries: Iterable["Entry"]) -> None:
        """Keep contacts as they are now, and bring the sums up to date.

        Raises:
            JournalGap: a contact began twice.
        """
        shown, kept = from_bytes(self.stand.shown), from_bytes(self.stand.kept)
        new: list[tuple[Any, ...]] = []
        changed: list[tuple[Any, ...]] = []
        for entry in entries:
            one, id_ = entry.folded, entry.folded.state.contact.id
            one.forget_settled()
            state = _encode(one.state)
            now_shown, now_kept = one.shown_digest(), digest_kept(id_, state)
            shown, kept = exchange(shown, entry.shown, now_shown), exchange(kept, entry.kept, now_kept)
            ended = _encode(one.ended) if one.ended else None
            digests = to_bytes(one.settled_digest), to_bytes(now_shown), to_bytes(now_kept)
            rows = changed if entry.kept else new
            rows.append((state, one.row_seq, ended, *digests, id_))
        try:
            self._db.executemany(_INSERT, new)
        except sqlite3.IntegrityError as error:
            message = "the journal holds the first event of a contact twice"
            raise JournalGap(message) from error
        self._db.executemany(_UPDATE, changed)
        self.stand = msgspec.structs.replace(
            self.stand, shown=to_bytes(shown), kept=to_bytes(kept), contacts=self.stand.contacts + len(new)
        )

    def move(self, offset: int, events: int, partition: PartitionState) -> None:
        """Stand at another offset, so many events later."""
        self.stand = msgspec.structs.replace(
            self.stand, offset=offset, events=self.stand.events + events, partition=partition
        )

    def commit(self) -> None:
        """Make what was changed last."""
        self._db.execute(_PUT_META, (_encode(self.stand),))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def shown_digests(self) -> Iterator[tuple[str, int]]:
        """Each contact's id and the digest of what the read side must show, in order of the ids' bytes."""
        return self._digests("shown")

    def kept_digests(self) -> Iterator[tuple[str, int]]:
        """Each contact's id and the digest of its state, in order of the ids' bytes."""
        return self._digests("kept")

    def _digests(self, column: str) -> Iterator[tuple[str, int]]:
        for id_, value in self._db.execute(_DIGESTS.format(column)):
            yield id_, from_bytes(value)

    def close(self) -> None:
        """Let go of the file; what was not committed is forgotten."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Entry(msgspec.Struct, gc=False):
    """A contact in the ledger: as folded by now, and the digests that the sums hold of it (0: none yet)."""

    folded: Folded
    shown: int = 0
    kept: int = 0


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_stand: Final = msgspec.json.Decoder(Stand)
_ended: Final = msgspec.json.Decoder(dict[str, Ended])
_state: Final = msgspec.json.Decoder(ContactState)
