"""Diagnostics as people read them: place, what is wrong, how to mend it, and the line itself with a caret."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.cli.output import clean, note

if TYPE_CHECKING:
    from domain.definition import Diagnostic

_ABOUT_THE_FILE: Final = ("too_large", "and_more")

_BEFORE: Final = 60
_SHOWN: Final = 100
"""How much of a long line is shown, and how much of it before the caret."""


def explain(file: str, lines: Sequence[str], diagnostic: "Diagnostic") -> str:
    """`file:line:column severity code message`, then the hint, then the source line with a caret under its column."""
    d = diagnostic
    text = [f"{file}:{d.line}:{d.column} {d.severity} {d.code} {d.message}"]
    if d.hint:
        text.append(f"    hint: {d.hint}")
    if d.path:
        text.append(f"    at: {d.path}")
    if d.code not in _ABOUT_THE_FILE and 1 <= d.line <= len(lines) and lines[d.line - 1].strip():
        text.extend(f"    | {row}" for row in _excerpt(lines[d.line - 1], d.column))
    return clean("\n".join(text))


def _excerpt(line: str, column: int) -> tuple[str, str]:
    start = max(0, column - 1 - _BEFORE)
    # One column for each character, so that the caret stands under the right one.
    shown = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in line[start : start + _SHOWN])
    return shown, " " * (column - 1 - start) + "^"


def print_remote_diagnostics(diagnostics: Iterable[Mapping[str, Any]]) -> None:
    """Findings that Headrace sent, on standard error: by their path, as the text is not at hand."""
    for d in diagnostics:
        hint = f"\n    hint: {d['hint']}" if d.get("hint") else ""
        note(f"{d['path']}: {d['severity']} {d['code']} {d['message']}{hint}")
