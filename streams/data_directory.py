"""The data directory: one process at a time owns it."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final, Self

import msgspec

from domain.errors import HeadraceError

_LOCK_FILE: Final = "headrace.lock"
_PROBE_S: Final = 0.05
"""How long `acquire` allows for somebody who merely looks who the owner is, and holds a shared lock to do so."""


class DataDirectoryInUse(HeadraceError):
    """Another process owns the data directory; stop it, talk to its API, or use another directory."""


class DataDirectoryUnusable(HeadraceError):
    """The data directory can't be made or written to; set HEADRACE_DATA_DIR to a directory that can."""


class Owner(msgspec.Struct, frozen=True):
    """Who owns a data directory; `url` is the owner's API once it listens."""

    pid: int
    url: str | None = None


class DataDirectory:
    """A directory that this process alone may use, until `release` or the process's end.

    The operating system holds the lock, so a killed owner leaves none behind. The lock file itself is never
    removed: removing it would let two processes hold locks on two files of the same name.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def acquire(cls, path: Path, *, url: str | None = None) -> Self:
        """Make the directory if needed (for its user alone) and own it.

        Raises:
            DataDirectoryInUse: another process owns it; the message says which and what to do.
            DataDirectoryUnusable: it is no directory, or this user may not write there.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(path / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"expected a data directory to write to at {path}, but: {reason}; set HEADRACE_DATA_DIR (--data-dir) to another one"
            raise DataDirectoryUnusable(message) from error
        if not _lock_exclusively(lock):
            owner = _read(lock)
            os.close(lock)
            raise DataDirectoryInUse(_in_use(path, owner))
        directory = cls(path, lock)
        directory.announce(url)
        return directory

    def announce(self, url: str | None) -> None:
        """Tell other processes where this one's API listens."""
        text = msgspec.json.encode(Owner(os.getpid(), url))
        os.pwrite(self._lock, text, 0)
        os.ftruncate(self._lock, len(text))

    def release(self) -> None:
        """Let another process own the directory; releasing again does nothing."""
        if self._lock >= 0:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()


def owner_of(path: Path) -> Owner | None:
    """The living process that owns the directory; None when there is none."""
    try:
        lock = os.open(path / _LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return None if _lock(lock, fcntl.LOCK_SH) else _read(lock)
    finally:
        os.close(lock)


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_exclusively(file: int) -> bool:
    deadline = time.monotonic() + _PROBE_S
    while not (locked := _lock(file, fcntl.LOCK_EX)) and time.monotonic() < deadline:
        time.sleep(_PROBE_S / 10)
    return locked


def _read(file: int) -> Owner:
    """The owner by its own words; pid 0 while it is about to write them."""
    try:
        return msgspec.json.decode(os.pread(file, 4096, 0), type=Owner)
    except msgspec.MsgspecError:
        return Owner(0)


def _in_use(path: Path, owner: Owner) -> str:
    who = f"process {owner.pid}" if owner.pid else "another process"
    if owner.url is None:
        return f"{path} is in use by {who}; stop it, or set HEADRACE_DATA_DIR to another directory"
    return (
        f"{path} is in use by {who} at {owner.url}; use its API, stop it, or set HEADRACE_DATA_DIR to another directory"
    )
