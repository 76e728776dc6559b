"""Spans of time as people type them: `90`, `90s`, `15m`, `6h`, `2d`."""

import re
from typing import Final

import typer

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)?")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, None: 1}


def parse_span(text: str | float) -> float:
    """Seconds; for typer's `parser`.

    Raises:
        BadParameter: it is no span of time.
    """
    match = _SPAN.fullmatch(str(text).strip())
    if match is None:
        message = f"expected a span of time such as 90s, 15m, 6h or 2d, found {text!r}"
        raise typer.BadParameter(message)
    return float(match[1]) * _SECONDS[match[2]]
