"""Send windows: hours of the day, on some days of the week, in a time zone; and when one opens.

A moment is inside when its wall-clock time there is. So an hour that the clocks skip is inside no window (one that would
begin in it begins when the clocks go on), and an hour that comes twice is inside both times.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 24 * 60
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_OF_THIS_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})
"""Names that stand in a system's time zones and are none."""


class SendWindow(msgspec.Struct, frozen=True, kw_only=True):
    """From a minute of the day to another (exclusive), on days of the week (0 is Monday); over midnight if it ends first."""

    from_minute: int
    to_minute: int
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """A window over midnight is of the day on which it begins."""
    timezone: str | None = None
    """Of contacts who have none; None: UTC."""


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> ZoneInfo | None:
    """The IANA time zone of this name; None when there is none."""
    if name in _OF_THIS_MACHINE:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a directory of names
        return None


def opens_at(window: SendWindow, timezone: str | None, now_ms: int) -> int:
    """The first moment from `now_ms` on that is inside the window: `now_ms` itself when it is open.

    Args:
        window: the hours and days.
        timezone: where the contact is; a name that is no time zone counts as none.
        now_ms: milliseconds since the epoch.
    """
    zone = (timezone and zone_of(timezone)) or (window.timezone and zone_of(window.timezone)) or UTC
    at = _EPOCH + now_ms * _MILLISECOND
    while True:
        offset = _offset(zone, at)
        wall = (at + offset).replace(tzinfo=None)
        if is_inside(window, wall):
            return (at - _EPOCH) // _MILLISECOND
        opens = at + (_next_opening(window, wall) - wall)
        change = _first_change(zone, at, opens)
        if change is None:
            return (opens - _EPOCH) // _MILLISECOND
        at = change  # the clocks are set before it opens: look again from there


def is_inside(window: SendWindow, wall: datetime) -> bool:
    """Whether a wall-clock time is inside."""
    minute = (wall - _midnight(wall)) / timedelta(minutes=1)
    today = wall.weekday()
    if window.from_minute < window.to_minute:
        return today in window.days and window.from_minute <= minute < window.to_minute
    began_today = today in window.days and minute >= window.from_minute
    return began_today or ((today - 1) % 7 in window.days and minute < window.to_minute)


def _next_opening(window: SendWindow, wall: datetime) -> datetime:
    """The next wall-clock time at which the window begins, by the calendar alone."""
    begins = _midnight(wall) + timedelta(minutes=window.from_minute)
    while begins < wall or begins.weekday() not in window.days:
        begins += _DAY
    return begins


def _midnight(wall: datetime) -> datetime:
    return datetime.combine(wall, time())


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None, f"{zone} gives no offset"
    return offset


def _first_change(zone: tzinfo, after: datetime, until: datetime) -> datetime | None:
    """The first moment in (after, until] with another offset than `after`: when the clocks are set. None: they are not."""
    offset = _offset(zone, after)
    before, at = after, min(after + _DAY, until)
    while _offset(zone, at) == offset:
        if at == until:
            return None
        before, at = at, min(at + _DAY, until)
    while at - before > _MILLISECOND:
        middle = before + (at - before) // 2
        before, at = (middle, at) if _offset(zone, middle) == offset else (before, middle)
    return at
