"""Cursors: where a page of a list ended, as opaque text that names the list and the last item's keys."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from api.problems import BadRequest

_decoder = msgspec.json.Decoder(list[str])


def encode_cursor(listing: str, keys: Sequence[Any]) -> str:
    """The cursor that leads behind the item with these keys."""
    parts = [listing, *(key.isoformat() if isinstance(key, datetime) else str(key) for key in keys)]
    return urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str, parsers: Sequence[Callable[[str], Any]]) -> list[Any]:
    """The keys of the item that the cursor leads behind.

    Raises:
        BadRequest: the cursor is of another list, or none of ours.
    """
    try:
        found, *keys = _decoder.decode(urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        if found == listing:
            return [parse(key) for parse, key in zip(parsers, keys, strict=True)]
    except ValueError:  # broken base64, JSON, UTF-8, number, time or UUID: all of them are ValueErrors
        pass
    message = "the cursor is not one that this list gave out; leave it out to begin at the first page"
    raise BadRequest(message, code="bad_cursor")


def key_time(text: str) -> datetime:
    """A time with its offset, out of a cursor."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = "a time without an offset"
        raise ValueError(message)
    return moment


def key_text(text: str) -> str:
    """Text that Postgres can compare, out of a cursor."""
    if "\0" in text:
        message = "NUL"
        raise ValueError(message)
    return text


def key_number(text: str) -> int:
    """A number that fits Postgres' bigint, out of a cursor."""
    number = int(text)
    if not -(2**63) <= number < 2**63:
        message = "out of range"
        raise ValueError(message)
    return number


key_uuid = UUID
"""A UUID, out of a cursor."""
