"""Times as text: RFC 3339 in UTC with milliseconds, as every screen and answer shows them."""

from datetime import UTC, datetime


def to_rfc3339(at_ms: int) -> str:
    """`2026-01-31T09:05:00.000Z` for milliseconds since the epoch."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
