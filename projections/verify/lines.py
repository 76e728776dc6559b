"""A row as Postgres writes it: the line that COPY gives of it.

What must be there is written as Postgres would write it. So what is there is digested as it comes, byte by byte, and
nobody reads it unless it differs. CSV can be asked to look like JSON: a line is then an array without its brackets, in
which control characters stand as they are. So one encoder writes a whole row.
"""

import json
import re
from typing import Any, Final, NewType, TypeVar, get_type_hints

import msgspec

from projections.sql_text import as_stored

Json = NewType("Json", str)
"""JSON data in the words of `jsonb`."""
_Row = TypeVar("_Row", bound=msgspec.Struct)

NO_CONTACT: Final = b"null,"
"""How the line of a row begins that is nobody's."""
_UNQUOTED: Final = (int, int | None, bool, bool | None)
_CONTROL: Final = re.compile(rb"\\[bfnrtu]")
_ESCAPE: Final = re.compile(rb"\\(?:u[0-9a-f]{4}|.)")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def copy_statement(query: str, make: type[msgspec.Struct]) -> str:
    """The statement that gives a line for each row of a query, whose columns are named as the row's fields."""
    quoted = [name for name, kind in get_type_hints(make).items() if kind not in _UNQUOTED]
    return rf"COPY ({query}) TO STDOUT (FORMAT csv, ESCAPE '\', NULL 'null', FORCE_QUOTE ({', '.join(quoted)}))"


def line_of(row: msgspec.Struct) -> bytes:
    """The line of a row."""
    line = _encode(row)[1:-1] + b"\n"
    return _ESCAPE.sub(_as_it_stands, line) if _CONTROL.search(line) else line


def _as_it_stands(escape: re.Match[bytes]) -> bytes:
    """A control character is not escaped, and a NUL is none that Postgres keeps."""
    if escape[0] in (rb"\"", rb"\\"):
        return escape[0]
    character: str = _decode(b'"%b"' % escape[0])
    return str(as_stored(character)).encode()


def row_of(make: type[_Row], line: bytes) -> _Row:
    """The row of a line."""
    return make(*_fields(line))


def contact_id_of(line: bytes) -> str:
    """The first field of a line: whose row it is."""
    field = line[1 : line.index(b'",', 1)]
    return str(_fields(line)[0]) if b"\\" in field else field.decode()


def _fields(line: bytes) -> list[Any]:
    found: list[Any] = json.loads(f"[{line.decode()}]", strict=False)
    return found


def value_of(row: msgspec.Struct, name: str) -> Any:
    """What a field says; JSON is read."""
    value = getattr(row, name)
    is_json = get_type_hints(type(row))[name] in (Json, Json | None)
    return _decode(value) if is_json and value is not None else value
