"""Spans of time as people write them: `30d`, `2d 4h`, `35m`, `1.25s`; milliseconds inside."""

import re
from typing import Final

from domain.times import read_time_ms

_UNIT_MS: Final = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000}
_SPAN: Final = re.compile(
    r"(?:(\d{1,9})w)? ?(?:(\d{1,9})d)? ?(?:(\d{1,9})h)? ?(?:(\d{1,9})m)? ?"
    r"(?:(\d{1,9})(?:\.(\d{1,3}))?s)? ?(?:(\d{1,9})ms)?",
    re.ASCII,
)


def read_span_ms(text: str) -> int | None:
    """The milliseconds that a span names; None when it is none."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    *counts, seconds, fraction, milliseconds = found.groups()
    whole = sum(int(count or 0) * size for count, size in zip(counts, _UNIT_MS.values(), strict=True))
    return whole + int(seconds or 0) * 1_000 + int((fraction or "").ljust(3, "0") or 0) + int(milliseconds or 0)


def read_since_ms(text: str, until_ms: int) -> int | None:
    """The moment that a time, a date, or a span before `until_ms` names; None when it is none of them."""
    span_ms = read_span_ms(text)
    return read_time_ms(text) if span_ms is None else until_ms - span_ms


def format_span(ms: int) -> str:
    """The shortest text that reads back as the same, without weeks."""
    parts, rest = [], ms
    for unit, size in list(_UNIT_MS.items())[1:]:
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    if rest or not parts:
        seconds, fraction = divmod(rest, 1_000)
        parts.append(f"{seconds}.{fraction:03}".rstrip("0") + "s" if fraction else f"{seconds}s")
    return " ".join(parts)
