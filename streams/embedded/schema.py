"""The log's SQLite file: its tables, its settings, and every statement that is run on it."""

import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schemas.event_log_errors import LogUnreadable

FILE_NAME: Final = "log.sqlite"
_VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE log (cluster_id TEXT NOT NULL);
CREATE TABLE topic (
    name TEXT PRIMARY KEY,
    topic_id TEXT NOT NULL,
    partitions INTEGER NOT NULL,
    first_number INTEGER NOT NULL  -- partition p has the number first_number + p among all of the log
);
CREATE TABLE chunk (
    position INTEGER PRIMARY KEY,  -- the partition's number and the offset of the first record: see `position_of`
    count INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    records BLOB NOT NULL
);
CREATE TABLE input_position (
    consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
) WITHOUT ROWID;
"""

INSERT_CHUNK: Final = "INSERT INTO chunk (position, count, timestamp_ms, records) VALUES (?, ?, ?, ?)"
MOVE_INPUT_POSITION: Final = """
INSERT INTO input_position (consumer_group, topic, partition, next_offset) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset
"""
INPUT_POSITIONS: Final = "SELECT consumer_group, topic, partition, next_offset FROM input_position"
INSERT_TOPIC: Final = "INSERT INTO topic (name, topic_id, partitions, first_number) VALUES (?, ?, ?, ?)"
TOPICS: Final = "SELECT name, topic_id, partitions, first_number FROM topic"
# A chunk that begins before the wanted offset may reach beyond it, hence the chunk at or before it.
CHUNKS_FROM: Final = """
SELECT position, count, timestamp_ms, records FROM chunk
WHERE position >= coalesce((SELECT max(position) FROM chunk WHERE position BETWEEN :start AND :wanted), :wanted)
  AND position < :end
ORDER BY position
"""
LAST_CHUNK: Final = """
SELECT position, count, timestamp_ms FROM chunk
WHERE position BETWEEN :start AND :end ORDER BY position DESC LIMIT 1
"""

OFFSET_BITS: Final = 40
"""Room for a million million records in each of eight million partitions, in SQLite's 63 bits."""

ChunkRow = tuple[int, int, int, bytes]
PositionRow = tuple[str, str, int, int]


def position_of(number: int, offset: int) -> int:
    """The key of the chunk that begins at this offset: partitions lie one after the other, each in order."""
    return (number << OFFSET_BITS) | offset


def offset_of(position: int) -> int:
    """The offset that a key stands for."""
    return position & ((1 << OFFSET_BITS) - 1)


def open_writer(path: Path, *, fsync: bool) -> sqlite3.Connection:
    """Open the file to write, and make it if needed.

    With `fsync` each commit is on the disk before it is acknowledged. Without, the operating system writes when it
    likes: the process may be killed without loss, a power cut loses the last commits (but never tears one).

    Raises:
        LogUnreadable: the file is not a log, or one of another version.
    """
    connection = _connect(path)
    try:
        is_new = _is_new(connection, path)
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
        connection.execute(
            f"PRAGMA fullfsync = {'ON' if fsync else 'OFF'}"
        )  # macOS: fsync alone leaves it in the drive
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        if is_new:
            _create(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        message = f"{path} is not a log that can be opened ({error}); restore it, or move it away to begin a new one"
        raise LogUnreadable(message) from error
    except LogUnreadable:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file to read what is committed."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA mmap_size = 1073741824")
    return connection


def open_existing(path: Path) -> sqlite3.Connection:
    """Open the file of another process to read what is committed.

    Raises:
        LogUnreadable: the file is not a log of this version.
    """
    connection = open_reader(path)
    try:
        is_new = _is_new(connection, path)
    except (sqlite3.DatabaseError, LogUnreadable) as error:
        connection.close()
        message = f"{path} is not a log that can be read ({error})"
        raise LogUnreadable(message) from error
    if is_new:
        connection.close()
        message = f"{path} holds no log yet; it is made when `headrace dev` first starts"
        raise LogUnreadable(message)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is run inside is committed at the end, or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def cluster_id(connection: sqlite3.Connection) -> str:
    """The log's own id."""
    (found,) = connection.execute("SELECT cluster_id FROM log").fetchone()
    return str(found)


def end_of(connection: sqlite3.Connection, number: int) -> tuple[int, int]:
    """Where a partition ends: its next offset and its last timestamp, in milliseconds."""
    bounds = {"start": position_of(number, 0), "end": position_of(number + 1, 0) - 1}
    last = connection.execute(LAST_CHUNK, bounds).fetchone()
    return (offset_of(last[0]) + last[1], last[2]) if last else (0, 0)


def input_positions(connection: sqlite3.Connection) -> Mapping[tuple[str, str, int], int]:
    """The committed input positions by (group, topic, partition)."""
    rows = connection.execute(INPUT_POSITIONS)
    return {(group, topic, partition): next_offset for group, topic, partition, next_offset in rows}


def _connect(path: Path) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, not always the one that opened it.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is empty; a log of ours is not, and whatever else is in it, is left as it was."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == _VERSION:
        return False
    if found != 0 or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        message = f"{path}: expected a log of version {_VERSION}, found {found}; use the Headrace that wrote it"
        raise LogUnreadable(message)
    return True


def _create(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO log VALUES (?)", (str(uuid.uuid4()),))
        connection.execute(f"PRAGMA user_version = {_VERSION}")
