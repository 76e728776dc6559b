"""Whether this machine's idea of time can be trusted."""

import time
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headrace.cli.checks.finding import Finding

RELEASED: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""No honest clock shows an earlier time than this: Headrace was written after it."""

MAX_SKEW_SECONDS: Final = 5.0
"""A worker whose clock is off by more stops deciding."""


def check_clock() -> Finding:
    """Whether the clock is set, moves forward, and time zones are known."""
    now = datetime.fromtimestamp(time.time(), UTC)
    if now < RELEASED:
        return Finding("clock", "failed", f"it shows {now:%Y-%m-%d}", "set the clock (NTP): due times depend on it")
    try:
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return Finding("clock", "failed", "no time zones are known", "install the package tzdata")
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def skew_finding(name: str, seconds: float) -> Finding:
    """Whether another clock agrees with ours."""
    detail = f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this machine"
    if abs(seconds) > MAX_SKEW_SECONDS:
        return Finding(f"{name} clock", "failed", detail, "let both machines set their clocks by NTP")
    return Finding(f"{name} clock", "ok", detail)
