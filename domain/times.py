"""Times as text: RFC 3339 in and out, always milliseconds since the epoch in between; no clock is read here."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

UNIT_MS: Final = {"seconds": 1_000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000, "weeks": 604_800_000}
"""The units of a span of time. A day is 86,400 seconds: calendar arithmetic is not done with spans."""

_SPAN_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)


def read_datetime(text: str) -> datetime | None:
    """The time that an RFC 3339 date-time or a date names; None when it is neither.

    Without an offset it counts as UTC; a date is its first instant.
    """
    if _TIME.fullmatch(text) is None:
        return None
    try:
        time = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def read_time_ms(text: str) -> int | None:
    """The same in milliseconds since the epoch, rounded down."""
    time = read_datetime(text)
    return None if time is None else (time - _EPOCH) // _MILLISECOND


def datetime_of(at_ms: int) -> datetime | None:
    """The moment in UTC; None outside the years 1 to 9999."""
    try:
        return _EPOCH + at_ms * _MILLISECOND
    except OverflowError:
        return None


@lru_cache(maxsize=256)
def format_time(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as `2026-05-01T08:00:00.000Z`."""
    time = datetime_of(at_ms)
    return "" if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span_text(seconds: int) -> str:
    """A span of time in its two largest units, as `23 h 59 min`."""
    parts = []
    for name, size in _SPAN_UNITS:
        count, seconds = divmod(seconds, size)
        parts.append((count, name))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{count} {name}" for count, name in parts[first : first + 2] if count]
    return " ".join(shown) or "0 s"
