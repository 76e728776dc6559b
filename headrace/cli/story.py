"""How a story is printed: a headline, sections, dated lines with what belongs to them set in."""

import json
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from headrace.cli.output import clean

if TYPE_CHECKING:
    pass

_STAMP: Final = 19
"""Columns of a time to the second."""
_PIPE_WIDTH: Final = 10_000


class Story:
    """Prints to standard output; without a terminal it uses no colours and breaks no lines."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
        if not self._console.is_terminal:
            self._console.width = _PIPE_WIDTH
        elif shutil.get_terminal_size().columns < _STAMP * 2:
            self._console.width = _STAMP * 2

    def headline(self, text: str) -> None:
        """The answer itself."""
        self._put(text, style="bold")

    def section(self, text: str) -> None:
        """A heading, with a blank line before it."""
        self._console.print()
        self._put(text, style="bold cyan")

    def line(self, text: str, *, at: str = "") -> None:
        """Something that happened, and when."""
        self._put(text, left=f"{at:<{_STAMP}}  " if at else "")

    def quiet(self, text: str, *, indent: int = 0) -> None:
        """What belongs to the line before."""
        self._put(text, style="dim", left=" " * (_STAMP + indent) if indent else "")

    def items(self, head: str, texts: Iterable[str]) -> None:
        """A list under a few words, if there is anything in it."""
        for index, text in enumerate(texts):
            self.line(f"{head if index == 0 else 'or when'} {text}")

    def data(self, name: str, value: object) -> None:
        """Data in one line."""
        self.quiet(f"{name} {json.dumps(value, ensure_ascii=False)}", indent=2)

    def value(self, value: Any) -> str:
        """A value in a sentence; nothing for None."""
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def _put(self, text: str, *, style: str = "", left: str = "") -> None:
        from rich.text import Text

        if not left:
            self._console.print(Text(clean(text), style=style))
            return
        lines = Text(clean(text), style=style).wrap(self._console, max(20, self._console.width - len(left)))
        for index, line in enumerate(lines):
            self._console.print(Text(left if index == 0 else " " * len(left), style="dim") + line)
