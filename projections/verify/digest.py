"""Digests that add up: of rows in any order, taken apart and put together again as contacts change."""

from hashlib import blake2b
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_BYTES: Final = 16
_MODULUS: Final = 1 << 8 * _BYTES


def digest(row: Any) -> int:
    """The digest of a row: 128 bits of its canonical JSON."""
    return digest_bytes(_encode(row))


def digest_bytes(content: bytes) -> int:
    """The digest of bytes."""
    return int.from_bytes(blake2b(content, digest_size=_BYTES).digest(), "little")


def digest_kept(contact_id: str, state: bytes) -> int:
    """The digest of a contact's state as a store keeps it."""
    return digest_bytes(b"%b\0%b" % (contact_id.encode(), state))


def add(total: int, *digests: int) -> int:
    """The sum of digests: the same in whatever order they come."""
    return (total + sum(digests)) % _MODULUS


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
