"""Digests that add up: of rows in any order, taken apart and put together again as contacts change."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from projections.verify.expected import Row
from projections.verify.lines import line_of

_BYTES: Final = 16
_MODULUS: Final = 1 << 8 * _BYTES
_EMPTY: Final = blake2b(digest_size=_BYTES)
"""A copy is had in half the time of a new one."""


def digest(content: bytes) -> int:
    """The digest of bytes."""
    hashed = _EMPTY.copy()
    hashed.update(content)
    return int.from_bytes(hashed.digest(), "little")


def digest_row(row: Row) -> int:
    """The digest of a row: of the line that the database gives of it."""
    return digest(line_of(row))


def digest_kept(contact_id: str, state: bytes) -> int:
    """The digest of a contact's state as a store keeps it."""
    return digest(b"%b\0%b" % (contact_id.encode(), state))


def add(digests: Iterable[int]) -> int:
    """The sum of digests: the same in whatever order they come."""
    return sum(digests) % _MODULUS


def exchange(total: int, old: int, new: int) -> int:
    """The sum when one of its digests is another now."""
    return (total - old + new) % _MODULUS


def to_bytes(value: int) -> bytes:
    """A digest or a sum of them, as it is kept."""
    return value.to_bytes(_BYTES, "little")


def from_bytes(value: bytes) -> int:
    """What `to_bytes` kept."""
    return int.from_bytes(value, "little")


def shown(value: int) -> str:
    """A digest or a sum of them, for people and programs."""
    return f"{value:032x}"
