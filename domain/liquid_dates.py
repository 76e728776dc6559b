"""Liquid's `date` filter without a clock, a time zone database or a locale: the same text everywhere, always."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from domain.times import datetime_of, read_datetime
from domain.values import number_of

_DIRECTIVE = re.compile(r"%(?P<flag>[-_0^]?)(?P<letter>[a-zA-Z%])")
_MAX_PATTERN_LENGTH: Final = 200

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _day_of_year(time: datetime) -> int:
    return time.timetuple().tm_yday


def _offset(time: datetime) -> str:
    offset = time.utcoffset()
    minutes = 0 if offset is None else int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


_WHOLE: Final = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "h": "%b",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "v": "%e-%^b-%Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}
"""Directives that stand for others."""

_NUMBERS: Final[dict[str, tuple[Callable[[datetime], int], int, str]]] = {
    "C": (lambda time: time.year // 100, 2, "0"),
    "d": (lambda time: time.day, 2, "0"),
    "e": (lambda time: time.day, 2, " "),
    "G": (lambda time: time.isocalendar().year, 4, "0"),
    "H": (lambda time: time.hour, 2, "0"),
    "I": (lambda time: time.hour % 12 or 12, 2, "0"),
    "j": (_day_of_year, 3, "0"),
    "k": (lambda time: time.hour, 2, " "),
    "l": (lambda time: time.hour % 12 or 12, 2, " "),
    "L": (lambda time: time.microsecond // 1_000, 3, "0"),
    "m": (lambda time: time.month, 2, "0"),
    "M": (lambda time: time.minute, 2, "0"),
    "N": (lambda time: time.microsecond * 1_000, 9, "0"),
    "s": (lambda time: int(time.timestamp() // 1), 1, "0"),
    "S": (lambda time: time.second, 2, "0"),
    "u": (lambda time: time.isoweekday(), 1, "0"),
    "U": (lambda time: (_day_of_year(time) + 6 - time.isoweekday() % 7) // 7, 2, "0"),
    "V": (lambda time: time.isocalendar().week, 2, "0"),
    "w": (lambda time: time.isoweekday() % 7, 1, "0"),
    "W": (lambda time: (_day_of_year(time) + 6 - time.weekday()) // 7, 2, "0"),
    "y": (lambda time: time.year % 100, 2, "0"),
    "Y": (lambda time: time.year, 4, "0"),
}
"""Directives that print a number: what it is, its width, and what fills it."""

_TEXTS: Final[dict[str, Callable[[datetime], str]]] = {
    "a": lambda time: _DAYS[time.weekday()][:3],
    "A": lambda time: _DAYS[time.weekday()],
    "b": lambda time: _MONTHS[time.month - 1][:3],
    "B": lambda time: _MONTHS[time.month - 1],
    "n": lambda _: "\n",
    "p": lambda time: "AM" if time.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "P": lambda time: "am" if time.hour < 12 else "pm",  # noqa: PLR2004 - noon
    "t": lambda _: "\t",
    "z": _offset,
    "Z": lambda time: "UTC" if _offset(time) == "+0000" else _offset(time),
    "%": lambda _: "%",
}


def date_text(value: Any, pattern: str, now_ms: int) -> str | None:
    """The time as `pattern` (of Ruby's strftime) prints it; None when the value is no time.

    A time is `now`, `today`, RFC 3339 text, a date, or seconds since the epoch. It is printed in the offset that it
    is written with, else in UTC. A directive that is not known stays as it is.
    """
    time = _time_of(value, now_ms)
    if time is None or len(pattern) > _MAX_PATTERN_LENGTH:
        return None
    whole = _DIRECTIVE.sub(lambda match: _WHOLE.get(match["letter"], match[0]), pattern)
    return _DIRECTIVE.sub(lambda match: _printed(time, match), whole)


def _time_of(value: Any, now_ms: int) -> datetime | None:
    if value in ("now", "today"):
        return datetime_of(now_ms)
    seconds = number_of(value)
    if seconds is not None:
        return datetime_of(int(seconds * 1_000)) if abs(seconds) < 1e12 else None  # noqa: PLR2004 - past year 9999
    return read_datetime(value) if isinstance(value, str) else None


def _printed(time: datetime, match: re.Match[str]) -> str:
    flag, letter = match["flag"], match["letter"]
    if letter in _NUMBERS:
        number, width, fill = _NUMBERS[letter]
        fill = {"-": "", "_": " ", "0": "0"}.get(flag, fill)
        return str(number(time)).rjust(width, fill) if fill else str(number(time))
    if letter not in _TEXTS:
        return match[0]
    text = _TEXTS[letter](time)
    return text.upper() if flag == "^" else text
