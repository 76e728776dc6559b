"""JSON into nodes with positions: RFC 8259 to the letter, with an error that says where and how to mend it."""

import json
import re
from bisect import bisect_right
from typing import Final, NoReturn

from domain.definition import Diagnostic
from schemas.definition.diagnostics import finding
from schemas.definition.numerals import number
from schemas.definition.positions import (
    MAX_DEPTH,
    MAX_VALUES,
    Entry,
    Mapping,
    Node,
    Path,
    Position,
    Scalar,
    Sequence,
)

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"', re.DOTALL)
_WORD = re.compile(r"[^\s,:{}\[\]\"]+")
_LINE_END = re.compile(r"\r\n|\n|\r")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


class _Stop(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def read_json(text: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The document and what is wrong with it; None after an error of syntax."""
    scanner = _Scanner(text)
    try:
        root, offset = scanner.value(scanner.skip(0), ())
        end = scanner.skip(offset)
        if end < len(text):
            scanner.stop(
                end, (), f"expected the end of the file, found {scanner.found(end)}", "one file holds one JSON object"
            )
    except _Stop as stop:
        return None, (*scanner.problems, stop.diagnostic)
    return root, tuple(scanner.problems)


class _Scanner:
    """Reads values at offsets of one text; each method gives back the offset after what it read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self.problems: list[Diagnostic] = []
        self.values = 0

    def position(self, offset: int) -> Position:
        line = bisect_right(self.lines, offset)
        return Position(line, offset - self.lines[line - 1] + 1)

    def skip(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        return match.end() if match else offset

    def value(self, offset: int, path: Path) -> tuple[Node, int]:
        self.values += 1
        if self.values > MAX_VALUES:
            message = f"expected at most {MAX_VALUES:,} values in a definition, found more"
            self.stop(offset, path, message, "split it into several workflows", code="too_many_values")
        match self.text[offset : offset + 1]:
            case "{":
                return self._object(offset, path)
            case "[":
                return self._array(offset, path)
            case '"':
                text, end = self._string(offset, path)
                return Scalar(text, self.position(offset)), end
            case _:
                return self._word(offset, path)

    # ------------------------------------------------------------ collections

    def _object(self, start: int, path: Path) -> tuple[Node, int]:
        self._deeper(start, path)
        entries: dict[str, Entry] = {}
        offset = self.skip(start + 1)
        while not self._at(offset, "}"):
            if not self._at(offset, '"'):
                self._bad_key(offset, path)
            key, end = self._string(offset, path)
            colon = self.skip(end)
            if not self._at(colon, ":"):
                self.stop(colon, (*path, key), f"expected ':' after the key '{key}', found {self.found(colon)}", "")
            node, end = self.value(self.skip(colon + 1), (*path, key))
            self._enter(entries, key, Entry(self.position(offset), node), path)
            offset = self._next(end, "}", (*path, key))
        return Mapping(entries, self.position(start)), offset + 1

    def _enter(self, entries: dict[str, Entry], key: str, entry: Entry, path: Path) -> None:
        if key in entries:
            message = f"the key '{key}' is here twice, first in line {entries[key].key.line}"
            self.problems.append(finding("duplicate_key", (*path, key), entry.key, message, "keep one of them"))
        else:
            entries[key] = entry

    def _array(self, start: int, path: Path) -> tuple[Node, int]:
        self._deeper(start, path)
        items: list[Node] = []
        offset = self.skip(start + 1)
        while not self._at(offset, "]"):
            node, end = self.value(offset, (*path, len(items)))
            items.append(node)
            offset = self._next(end, "]", path)
        return Sequence(items, self.position(start)), offset + 1

    def _next(self, end: int, close: str, path: Path) -> int:
        """From the end of an item to the next item, or to the closing bracket."""
        offset = self.skip(end)
        if self._at(offset, close):
            return offset
        if not self._at(offset, ","):
            message = f"expected ',' or '{close}' after this value, found {self.found(offset)}"
            self.stop(offset, path, message, "a comma may be missing before this place")
        after = self.skip(offset + 1)
        if self._at(after, close):
            self.stop(offset, path, f"expected a value after ',', found '{close}'", "delete this last comma")
        return after

    # ------------------------------------------------------------ scalars

    def _string(self, start: int, path: Path) -> tuple[str, int]:
        match = _STRING.match(self.text, start)
        if match is None:
            message = "expected text up to a closing '\"' in the same line, found none"
            self.stop(start, path, message, 'close the quote; write \\n for a new line and \\" for a quote inside')
        token = match[0]
        if "\\" not in token:
            return token[1:-1], match.end()
        try:
            text: str = json.loads(token)
        except json.JSONDecodeError as error:
            at = min(start + error.pos, match.end() - 1)
            self.stop(at, path, "expected an escape of JSON after '\\'", "write \\\\ for a backslash")
        self._check_text(text, start, path)
        return text, match.end()

    def _check_text(self, text: str, start: int, path: Path) -> None:
        """Escapes can smuggle in what text must not have: NUL, and halves of surrogate pairs."""
        unreadable = "NUL (\\u0000)" if "\0" in text else None
        try:
            text.encode()
        except UnicodeEncodeError as error:
            unreadable = f"half a character (\\u{ord(text[error.start]):04x})"
        if unreadable:
            message = f"expected readable text, found {unreadable}"
            self.stop(start, path, message, "delete this character", code="control_character")

    def _word(self, start: int, path: Path) -> tuple[Node, int]:
        match = _WORD.match(self.text, start)
        word = match[0] if match else ""
        if match and word in _WORDS:
            return Scalar(_WORDS[word], self.position(start)), match.end()
        try:
            value = number(word)
        except OverflowError:
            hint = "put it in quotes to keep it as text"
            self.stop(start, path, f"the number {word[:40]} is too large", hint, code="bad_number")
        if match is None or value is None:
            self._bad_word(start, word, path)
        return Scalar(value, self.position(start)), match.end()

    # ------------------------------------------------------------ errors

    def _bad_word(self, start: int, word: str, path: Path) -> NoReturn:
        if word.lstrip("+-") in ("NaN", "Infinity"):
            self.stop(start, path, f"expected a number, found {word}", "JSON has no such number", code="bad_number")
        message = f"expected a value, found {self.found(start)}"
        if word.startswith(("//", "/*", "#")):
            self.stop(start, path, message, "JSON has no comments; YAML has")
        hint = "write true, false or null in small letters" if word.lower() in ("true", "false", "null", "none") else ""
        self.stop(start, path, message, hint or 'put text in double quotes, as "text"; write numbers as 10 or 0.5')

    def _bad_key(self, offset: int, path: Path) -> NoReturn:
        hint = "JSON has no comments; YAML has" if self.text[offset : offset + 1] in ("/", "#") else ""
        message = f"expected a key in double quotes, found {self.found(offset)}"
        self.stop(offset, path, message, hint or 'write keys as "key"; if this is YAML, name the file .yaml')

    def _deeper(self, offset: int, path: Path) -> None:
        if len(path) >= MAX_DEPTH:
            message = f"expected at most {MAX_DEPTH} levels of lists and objects, found more"
            self.stop(offset, path, message, "take a level of nesting away", code="too_deep")

    def _at(self, offset: int, character: str) -> bool:
        return self.text.startswith(character, offset)

    def found(self, offset: int) -> str:
        """What stands there, in words."""
        match = _WORD.match(self.text, offset)
        word = match[0] if match else self.text[offset : offset + 1]
        return f"'{word[:20]}'" if word else "the end of the file"

    def stop(self, offset: int, path: Path, message: str, hint: str, *, code: str = "json_syntax") -> NoReturn:
        """Give up here."""
        raise _Stop(finding(code, path, self.position(offset), message, hint))
