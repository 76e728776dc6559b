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
    """One line, and the things that it is looked up by."""

    channel: str
    to: str
    action_key: str | None
    line: bytes
    provider_id: str | None = None
    at: str = ""

    def is_for(self, channel: str, to: str) -> bool:
        """Whether it went this way."""
        return self.channel == channel and self.to == to

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
    """The inbox (what was accepted), the requests (all that was seen) and the replies, with an optional journal file."""

    def __init__(self, journal: Path | None = None, *, max_entries: int = MAX_ENTRIES) -> None:
        self.inbox = Shelf(max_entries)
        self.requests = Shelf(max_entries)
        self.replies = Shelf(max_entries)
        self.stopped: set[str] = set()
        """Numbers that sent STOP, and no START since."""
        self._statuses: dict[tuple[str, str], Status] = {}
        self._max_entries = max_entries
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

    def reply(self, reply: dict[str, Any]) -> None:
        """Remember an SMS that a person sent."""
        self._keep("reply", self.replies, reply)
        self._heed(reply)

    def set_status(self, provider_id: str, to: str, status: str, code: int | None = None) -> None:
        """A message's status is this from now on."""
        self._note(noted := Status(provider_id, to, status, code, rfc3339_now()))
        self._write("status", msgspec.json.encode(noted))

    def status_of(self, provider_id: str, to: str) -> "Status | None":
        """A message's status, once it has one."""
        return self._statuses.get((provider_id, to))

    def messages(self, provider_id: str) -> list[dict[str, Any]]:
        """The messages of one id (an e-mail to several people has as many), the newest first."""
        return [entry.read() for entry in self.inbox.newest_first() if entry.provider_id == provider_id]

    def clear(self) -> None:
        """Forget all, in the journal too."""
        self.inbox.clear()
        self.requests.clear()
        self.replies.clear()
        self.stopped.clear()
        self._statuses.clear()
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
        self._write(kind, entry.line)

    def _write(self, kind: str, line: bytes) -> None:
        if self._file is not None:
            self._file.write(b'{"%s":%s}\n' % (kind.encode(), line))

    def _note(self, status: "Status") -> None:
        key = (status.provider_id, status.to)
        self._statuses.pop(key, None)  # the newest stands last
        self._statuses[key] = status
        if len(self._statuses) > self._max_entries:
            self._statuses.pop(next(iter(self._statuses)))

    def _heed(self, reply: dict[str, Any]) -> None:
        if reply.get("opt_out_type") == "STOP":
            self.stopped.add(reply["from"])
        elif reply.get("opt_out_type") == "START":
            self.stopped.discard(reply["from"])

    def _reload_reply(self, reply: dict[str, Any]) -> None:
        self.replies.add(_entry(reply))
        self._heed(reply)

    def _reload(self, file: BinaryIO) -> None:
        kinds: dict[str, Callable[[Any], None]] = {
            "message": lambda content: self.inbox.add(_entry(content)),
            "request": lambda content: self.requests.add(_entry(content)),
            "reply": self._reload_reply,
            "status": lambda content: self._note(msgspec.convert(content, Status)),
        }
        unreadable, line = 0, b"\n"
        file.seek(0)
        with open(file.fileno(), "rb", closefd=False) as lines:  # the same file, with a buffer
            for line in lines:
                try:
                    ((kind, content),) = msgspec.json.decode(line).items()
                    kinds[kind](content)
                except (msgspec.MsgspecError, ValueError, LookupError, AttributeError, TypeError):
                    unreadable += 1
        if not line.endswith(b"\n"):  # torn by a kill
            file.write(b"\n")
        if unreadable:
            _log.warning("sandbox.journal_lines_skipped", lines=unreadable)


class Status(NamedTuple):
    """What became of a message, as far as is known."""

    provider_id: str
    to: str
    status: str
    code: int | None
    at: str


def rfc3339_now() -> str:
    """The time as the sandbox writes it: UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cut(text: str) -> str:
    """A text as it is remembered: what is too long ends in an ellipsis."""
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + "…"


def _entry(content: dict[str, Any]) -> Entry:
    return Entry(
        str(content["channel"]),
        str(content.get("to") or ""),
        content.get("action_key"),
        msgspec.json.encode(content),
        content.get("provider_id"),
        str(content.get("at") or ""),
    )
