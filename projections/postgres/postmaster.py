"""What a running Postgres says of itself in `postmaster.pid`, and whether it is really there."""

import os
import time
from pathlib import Path
from typing import Final

import msgspec
import psycopg

_STARTING_UP: Final = "57P03"
"""SQLSTATE cannot_connect_now: the server is there and recovers, or shuts down."""
_LINES: Final = 8


class Postmaster(msgspec.Struct, frozen=True):
    """A server that is, or was, running on a data directory."""

    pid: int
    port: int
    socket_directory: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://postgres@/postgres?host={self.socket_directory}&port={self.port}"

    @property
    def alive(self) -> bool:
        """Whether a process has this id (it may be another one by now)."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def read_postmaster(data: Path) -> Postmaster | None:
    """What the directory's `postmaster.pid` says; None without one, or when it was not finished."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < _LINES - 1 or not lines[4]:
        return None
    return Postmaster(int(lines[0]), int(lines[3]), Path(lines[4]))


def answers(postmaster: Postmaster, data: Path, *, seconds: float) -> bool:
    """Whether the server of this data directory answers, given `seconds` to finish a recovery.

    A process id alone proves nothing: after a reboot it may belong to anybody.
    """
    deadline = time.monotonic() + seconds
    while postmaster.alive:
        try:
            with psycopg.connect(postmaster.url, connect_timeout=5, autocommit=True) as connection:
                found = connection.execute("SHOW data_directory").fetchone()
                return found is not None and Path(found[0]).resolve() == data.resolve()
        except psycopg.OperationalError as error:
            if _STARTING_UP not in (error.sqlstate, _sqlstate_in(error)) or time.monotonic() > deadline:
                return False
        time.sleep(0.05)
    return False


def _sqlstate_in(error: psycopg.OperationalError) -> str | None:
    """The state of a refused connection, which psycopg tells in words alone."""
    refusing = ("starting up", "shutting down", "not yet accepting", "in recovery mode")
    return _STARTING_UP if any(words in str(error) for words in refusing) else None
