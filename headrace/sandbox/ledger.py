"""What the sandbox remembers: the newest entries, as JSON lines in memory and, with a journal, on disk."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
import structlog

MAX_ENTRIES: Final = 100_000
MAX_BYTES: Final = 256 * 1024 * 1024
MAX_TEXT_CHARS: Final = 16_384
"""A longer body is cut when it is remembered."""

_log = structlog.get_logger(__name__)


class Entry(NamedTuple):
    """One line, and the three things that it is looked up by."""

    channel: str
    to: str
    action_key: str | None
    line: bytes

    def read(self) -> dict[str, Any]:
        """The entry as a dict."""
        entry: dict[str, Any] = msgspec.json.decode(self.line)
        return entry


class Shelf:
    """The newest entries of one kind: bounded in number and in bytes."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._entries: deque[Entry] = deque()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Keep an entry; the oldest ones give way."""
        self._entries.append(entry)
        self._bytes += len(entry.line)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._bytes -= len(self._entries.popleft().line)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
        self._bytes = 0

    def newest_first(self) -> Iterator[Entry]:
        """All entries, the newest first."""
        return reversed(self._entries)

    def find(
        self,
        *,
        channel: str | None = None,
        to: str | None = None,
        action_key: str | None = None,
        limit: int = MAX_ENTRIES,
    ) -> list[Entry]:
        """The newest `limit` entries that match, the newest last."""
        found: list[Entry] = []
        for entry in reversed(self._entries):
            if len(found) >= limit:
                break
            if (
                (channel is None or entry.channel == channel)
                and (to is None or entry.to == to)
                and (action_key is None or entry.action_key == action_key)
            ):
                found.append(entry)
        found.reverse()
        return found


class Ledger:
    """The inbox (what was accepted) and the requests (all that was seen), with an optional journal file."""

    def __init__(self, journal: Path | None = None, *, max_entries: int = MAX_ENTRIES) -> None:
        self.inbox = Shelf(max_entries)
        self.requests = Shelf(max_entries)
        self._file: BinaryIO | None = None
        if journal is not None:
            journal.parent.mkdir(parents=True, exist_ok=True)
            self._file = journal.open("a+b", buffering=0)  # each line reaches the system at once: it survives a kill
            self._reload(self._file)

    def accept(self, message: dict[str, Any]) -> None:
        """Put a message in the inbox."""
        self._keep("message", self.inbox, message)

    def saw(self, request: dict[str, Any]) -> None:
        """Remember a provider's call, accepted or not."""
        self._keep("request", self.requests, request)

    def clear(self) -> None:
        """Forget all, in the journal too."""
        self.inbox.clear()
        self.requests.clear()
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the journal."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, kind: str, shelf: Shelf, content: dict[str, Any]) -> None:
        entry = _entry(content)
        shelf.add(entry)
        if self._file is not None:
            self._file.write(b'{"%s":%s}\n' % (kind.encode(), entry.line))

    def _reload(self, file: BinaryIO) -> None:
        shelves: dict[str, Callable[[Entry], None]] = {"message": self.inbox.add, "request": self.requests.add}
        unreadable, line = 0, b"\n"
        file.seek(0)
        with open(file.fileno(), "rb", closefd=False) as lines:  # the same file, with a buffer
            for line in lines:
                try:
                    ((kind, content),) = msgspec.json.decode(line).items()
                    shelves[kind](_entry(content))
                except (msgspec.DecodeError, ValueError, LookupError, AttributeError, TypeError):
                    unreadable += 1
        if not line.endswith(b"\n"):  # torn by a kill
            file.write(b"\n")
        if unreadable:
            _log.warning("sandbox.journal_lines_skipped", lines=unreadable)


def rfc3339_now() -> str:
    """The time as the sandbox writes it: UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cut(text: str) -> str:
    """A text as it is remembered: what is too long ends in an ellipsis."""
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + "…"


def _entry(content: dict[str, Any]) -> Entry:
    return Entry(
        str(content["channel"]), str(content.get("to") or ""), content.get("action_key"), msgspec.json.encode(content)
    )
