"""Spans of time as people type them: `30d`, `12h`, `90s`."""

import re
from typing import Final

_SPAN: Final = re.compile(r"(\d{1,9})(ms|s|m|h|d|w)", re.ASCII)
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def read_span_ms(text: str) -> int | None:
    """The milliseconds that a span names; None when it is none."""
    found = _SPAN.fullmatch(text)
    return None if found is None else int(found[1]) * _UNIT_MS[found[2]]
