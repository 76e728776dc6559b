"""`at`: the moment in the past that a question is about."""

import re
from typing import Final

from aiohttp import web

from api.problems import Unprocessable
from api.services import SERVICES
from domain.times import format_time, read_time_ms

_PLUS_LOST: Final = re.compile(r"(T.*) (\d{2}:\d{2})")
"""In a query string an unescaped `+` means a blank."""


def moment_of(request: web.Request, at: str | None) -> int | None:
    """The moment in milliseconds since the epoch; None when the question is about now.

    Raises:
        Unprocessable: it is no time, or lies in the future.
    """
    if at is None:
        return None
    at_ms = read_time_ms(_PLUS_LOST.sub(r"\1+\2", at))
    if at_ms is None:
        raise _refusal(f"expected a time (RFC 3339, as 2026-05-01T08:00:00Z) or a date, found {at[:100]!r}")
    now_ms = request.app[SERVICES].clock()
    if at_ms > now_ms:
        raise _refusal(f"expected a moment in the past, found {format_time(at_ms)}; it is {format_time(now_ms)} now")
    return at_ms


def _refusal(message: str) -> Unprocessable:
    return Unprocessable(f"at: {message}", code="bad_at", errors=[{"parameter": "at", "message": message}])
