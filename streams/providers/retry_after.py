"""How long a provider asks to be left alone: the `Retry-After` header (RFC 9110, 10.2.3) and SendGrid's own."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_MS: Final = 24 * 3_600_000
"""A longer wish is a mistake; we come back after a day."""


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Milliseconds to wait from now, between 0 and a day; None when the provider asked for nothing legible."""
    asked = headers.get("Retry-After")
    if asked is not None:
        return _bounded(_seconds(asked.strip()))
    reset = headers.get("X-RateLimit-Reset")  # SendGrid: seconds since the epoch
    if reset is not None and reset.strip().isdecimal():
        return _bounded(int(reset) - datetime.now(UTC).timestamp())
    return None


def _seconds(text: str) -> float | None:
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _bounded(seconds: float | None) -> int | None:
    return None if seconds is None else min(max(int(seconds * 1000), 0), LONGEST_MS)
