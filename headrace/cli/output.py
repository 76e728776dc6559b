"""What a command prints: tables or JSON on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDE = 10_000
"""Columns that a table may take when no terminal limits it, so that a pipe gets whole ids."""


def clean(value: object) -> str:
    """`value` as text that cannot steer the terminal: control characters are shown, not sent."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def compact(value: object) -> str:
    """A mapping or list in one line."""
    if value in (None, {}, []):
        return ""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def print_json(value: object) -> None:
    """The whole answer, for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_text(text: str) -> None:
    """A line (or several) of the answer."""
    sys.stdout.write(clean(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Something beside the answer, on standard error."""
    sys.stdout.flush()
    sys.stderr.write(clean(text) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Rows under their headings; `empty` is said when there are none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in rows:
        table.add_row(*(Text(compact(cell), overflow="fold") for cell in row))
    if not table.row_count:
        note(empty)
        return
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


def print_record(record: Mapping[str, Any]) -> None:
    """The fields of one thing, one a line."""
    width = max(map(len, record), default=0)
    for name, value in record.items():
        print_text(f"{name:<{width}}  {compact(value)}")
