"""Command ids: random, or made of the caller's `Idempotency-Key` so that a repeated request is the same command.

An id that comes from a key has two halves. The first is a hash of the route and the key, the second of route, key and
content (query string and body). So the same request has the same id for ever, in every process and after every
restart; and the same key with *other* content has an id with the same first half, which one range query on the primary
key of `command_results` finds: that request is refused, never taken for the older one. Requests that are so young that
the read side shows no result yet are compared in memory, within one process.
"""

from collections import OrderedDict
from hashlib import blake2b
from uuid import UUID, uuid4

from aiohttp import web

from api.problems import BadRequest, Unprocessable

_LONGEST_KEY = 255
_LOW = 0x8000_0000_0000_0000
_HIGH = 0xBFFF_FFFF_FFFF_FFFF


def random_command_id() -> UUID:
    """An id for a request without a key."""
    return uuid4()


def keyed_command_id(scope: str, key: str, content: bytes) -> UUID:
    """The id (a version-8 UUID, RFC 9562) of the request with this key; `scope` is its method and path."""
    who = blake2b(f"{len(scope)}:{scope}{key}".encode(), digest_size=16).digest()
    what = blake2b(content, digest_size=8, key=who).digest()
    bits = bytearray(who[:8] + what)
    bits[6] = (bits[6] & 0x0F) | 0x80
    bits[8] = (bits[8] & 0x3F) | 0x80
    return UUID(bytes=bytes(bits))


def key_range(command_id: UUID) -> tuple[UUID, UUID]:
    """The lowest and the highest id that the same key can have with whatever content."""
    first_half = command_id.int >> 64 << 64
    return UUID(int=first_half | _LOW), UUID(int=first_half | _HIGH)


def idempotency_key(request: web.Request) -> str | None:
    """The request's key, if it has one.

    Raises:
        BadRequest: the header is empty, too long or given twice.
    """
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    if len(keys) > 1 or not 0 < len(keys[0]) <= _LONGEST_KEY:
        message = f"expected one Idempotency-Key of 1 to {_LONGEST_KEY} characters"
        raise BadRequest(message, code="bad_idempotency_key")
    return keys[0]


class IssuedCommands:
    """The commands that this process appended lately: their results may still be on their way."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._by_first_half: OrderedDict[int, UUID] = OrderedDict()

    def __contains__(self, command_id: UUID) -> bool:
        return self._by_first_half.get(command_id.int >> 64) == command_id

    def add(self, command_id: UUID) -> None:
        """Remember the command; the oldest one is forgotten when there are too many.

        Raises:
            Unprocessable: its key was used lately with other content.
        """
        half = command_id.int >> 64
        if self._by_first_half.setdefault(half, command_id) != command_id:
            raise key_reused()
        self._by_first_half.move_to_end(half)
        if len(self._by_first_half) > self._capacity:
            self._by_first_half.popitem(last=False)

    def discard(self, command_id: UUID) -> None:
        """Forget the command: it was not appended after all."""
        if command_id in self:
            del self._by_first_half[command_id.int >> 64]


def key_reused() -> Unprocessable:
    """The problem of a key that comes with other content than before."""
    message = "this Idempotency-Key was used here before with another body or query; use a new key for a new request"
    return Unprocessable(message, code="idempotency_key_reused")
