"""Which inputs of a contact were taken in: what makes a repeated one a duplicate."""

from hashlib import blake2b
from typing import Final

from domain.state import SEEN_KEY_BYTES, Seen

RETENTION_MS: Final = 30 * 86_400_000
"""How long at least an input's identity is remembered, in journal time."""
_EMPTY: Final = blake2b(digest_size=SEEN_KEY_BYTES)
"""A copy is had in half the time of a new one."""
COMMAND_SOURCE: Final = "headrace.commands"
"""The source under which commands are remembered."""


def seen_key(source: str, input_id: str) -> bytes:
    """The key under which an input of a contact is remembered (short, so that the memory stays small)."""
    key = _EMPTY.copy()
    key.update(f"{len(source)}:{source}{input_id}".encode())
    return key.digest()


def remember(seen: Seen, key: bytes, at_ms: int) -> Seen:
    """The memory with one more input; what is older than two retention periods is forgotten."""
    age_ms = at_ms - seen.since_ms
    if age_ms < RETENTION_MS:
        return Seen(seen.since_ms, seen.current + key, seen.previous)
    return Seen(at_ms, key, seen.current if age_ms < 2 * RETENTION_MS else b"")
