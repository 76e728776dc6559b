"""The marker of a schema: a comment in the database that says what its tables were made from, and by which code."""

from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

SHADOW: Final = "headrace_rebuild"
"""The schema where tables are rebuilt."""
PREVIOUS: Final = "headrace_previous"
"""The schema where the tables are kept that were live before the last swap."""

_READ: Final = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace') AS comment"
_WRITE: Final = sql.SQL("COMMENT ON SCHEMA {} IS {}")
_CODE: Final = ("domain", "schemas", "projections")


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """What the tables of a schema were made from."""

    projections: tuple[str, ...]
    migration: str
    log: str
    code: str

    def differs_from(self, other: "Marker") -> str | None:
        """In what they differ first, in words; None when they don't."""
        if self.log != other.log:
            return "they were made from another log"
        if self.migration != other.migration:
            return f"they were made at migration {self.migration}, and the database is at {other.migration}"
        if self.projections != other.projections:
            return f"they are for other projections: {', '.join(self.projections)}"
        return None if self.code == other.code else "they were made by another version of Headrace"


def read_marker(cursor: psycopg.Cursor[dict[str, Any]], schema: str) -> Marker | None:
    """The marker of a schema; None when there is no such schema, or its comment is no marker."""
    row = cursor.execute(_READ, [schema]).fetchone()
    try:
        return msgspec.json.decode((row or {}).get("comment") or b"", type=Marker)
    except msgspec.DecodeError:
        return None


def write_marker(cursor: psycopg.Cursor[Any], schema: str, marker: Marker) -> None:
    """Set the marker of a schema."""
    text = msgspec.json.encode(marker).decode()
    cursor.execute(_WRITE.format(sql.Identifier(schema), sql.Literal(text)))


def code_digest() -> str:
    """A digest of all code that rows depend on: rows of two versions are never mixed in a rebuild that is resumed."""
    whole = blake2b(digest_size=16)
    for package in _CODE:
        for source in _sources(files(package)):
            whole.update(source.read_bytes())
    return whole.hexdigest()


def _sources(folder: Traversable) -> list[Traversable]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _sources(entry)
        elif entry.name.endswith(".py"):
            found.append(entry)
    return found
