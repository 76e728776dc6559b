"""Times and spans as people type them, by one grammar in every command: `2026-05-01T08:00:00Z`, `2026-05-01`, `30d`, `2d 4h`."""

from typing import Final

import typer

from domain.spans import read_since_ms, read_span_ms
from domain.times import read_time_ms

SINCE: Final = "a time, a date, or a span before the end as 30d, 12h."
"""How `--since` is written; the end of its help in each command that has one."""
UNTIL: Final = "a time or a date."


def parse_span(text: str) -> float:
    """Seconds; for typer's `parser`, as the others here.

    Raises:
        BadParameter: it is no span of time.
    """
    span_ms = read_span_ms(text)
    if span_ms is None:
        message = f"expected a span of time such as 90s, 15m, 6h or 2d, found {text!r}"
        raise typer.BadParameter(message)
    return span_ms / 1_000


def parse_time(text: str) -> str:
    """A time or a date, as it was typed.

    Raises:
        BadParameter: it is neither.
    """
    if read_time_ms(text) is None:
        message = f"expected a time such as 2026-05-01T08:00:00Z or a date, found {text!r}"
        raise typer.BadParameter(message)
    return text


def parse_since(text: str) -> str:
    """A time, a date or a span before the end, as it was typed.

    Raises:
        BadParameter: it is none of them.
    """
    if read_since_ms(text, 0) is None:
        message = f"expected a time such as 2026-05-01T08:00:00Z, a date, or a span such as 30d, found {text!r}"
        raise typer.BadParameter(message)
    return text
