"""From bytes to text: size, encoding and characters are checked before any parser sees them."""

import codecs
import re
from typing import Final, Literal, NamedTuple

from domain.definition import Diagnostic
from schemas.definition.diagnostics import finding
from schemas.definition.positions import MAX_BYTES, START, Position

Format = Literal["yaml", "json"]

_FOREIGN_BOMS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""The longer ones first: UTF-32's begins with UTF-16's."""

_FORBIDDEN: Final = {
    # YAML 1.1, section 5.1: what is not printable; JSON (RFC 8259) forbids only the first row, and tells where.
    "yaml": re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufeff\ufffe\uffff]"),
    "json": re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]"),
}


class Text(NamedTuple):
    """What could be read of the bytes; with a `problem` it goes no further."""

    text: str
    format: Format
    problem: Diagnostic | None = None


def read_text(data: bytes, format: Format | None, filename: str | None) -> Text:
    """The text and its format: the one that is given, else the file name's, else by the first character."""
    known = format or _format_of_name(filename)
    if len(data) > MAX_BYTES:
        message = f"expected at most {MAX_BYTES:,} bytes (1 MiB), found {len(data):,}"
        return Text("", known or "yaml", finding("too_large", (), START, message, "split it into several workflows"))
    try:
        text = _decode(data)
    except _BadEncoding as error:
        return Text("", known or "yaml", error.diagnostic)
    known = known or ("json" if text.lstrip()[:1] in ("{", "[") else "yaml")
    if not text.strip(" \t\r\n"):
        message = "expected a definition, found an empty file"
        return Text(text, known, finding("empty", (), START, message, "begin with `name: ...`"))
    return Text(text, known, _forbidden_character(text, known))


def _format_of_name(filename: str | None) -> Format | None:
    name = (filename or "").lower()
    if name.endswith(".json"):
        return "json"
    return "yaml" if name.endswith((".yaml", ".yml")) else None


class _BadEncoding(Exception):
    def __init__(self, at: Position, message: str, hint: str) -> None:
        self.diagnostic = finding("bad_encoding", (), at, message, hint)


def _decode(data: bytes) -> str:
    for bom, name in _FOREIGN_BOMS.items():
        if data.startswith(bom):
            raise _BadEncoding(START, f"expected UTF-8 text, found {name}", "save the file as UTF-8")
    data = data.removeprefix(codecs.BOM_UTF8)  # editors on Windows write one
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        message = f"expected UTF-8 text, found the byte 0x{data[error.start]:02X}"
        raise _BadEncoding(position_at(before, len(before)), message, "save the file as UTF-8") from None


def _forbidden_character(text: str, format: Format) -> Diagnostic | None:
    found = _FORBIDDEN[format].search(text)
    if found is None:
        return None
    name = "NUL" if found[0] == "\0" else "a control character"
    message = f"expected readable text, found {name} (U+{ord(found[0]):04X})"
    return finding("control_character", (), position_at(text, found.start()), message, "delete this character")


def position_at(text: str, offset: int) -> Position:
    """The line and column of an offset; lines end with LF, CR LF or CR."""
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
