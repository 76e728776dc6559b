"""The rows that a batch makes and changes, gathered in memory and written with a few statements per table."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.sql_text import array_text, column_texts, copy_fields

Row = dict[str, Any]
Key = str | int | tuple[Any, ...]

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


class TableRows:
    """One table's rows during a batch. Times are milliseconds; `group` finds rows by another column.

    A row is `new`, or `known` (it stands in the database and was loaded), or not loaded at all: the last two
    are updated with just the columns that changed.
    """

    __slots__ = ("_groups", "changed", "group", "known", "new", "on_conflict", "table")

    def __init__(self, table: sa.Table, *, group: str | None = None, on_conflict: str = "fail") -> None:
        self.table, self.on_conflict, self.group = table, on_conflict, group
        self.new: dict[Key, Row] = {}
        self.known: dict[Key, Row] = {}
        self.changed: dict[Key, Row] = {}
        self._groups: dict[Any, list[Row]] = {}

    def get(self, key: Key) -> Row | None:
        """The row as it is by now; None when it neither was loaded nor is new."""
        return self.new.get(key) or self.known.get(key)

    def load(self, key: Key, row: Row) -> None:
        """Make a row of the database known."""
        self.known[key] = row
        if self.group is not None:
            self._groups.setdefault(row[self.group], []).append(row)

    def insert(self, key: Key, row: Row) -> None:
        """Make a row; it has every column, in the table's order."""
        self.new[key] = row
        if self.group is not None:
            self._groups.setdefault(row[self.group], []).append(row)

    def set(self, key: Key, columns: Row) -> None:
        """Change columns of a row."""
        row = self.new.get(key)
        if row is not None:
            row.update(columns)
            return
        known = self.known.get(key)
        if known is not None:
            known.update(columns)
        changed = self.changed.get(key)
        if changed is None:
            self.changed[key] = dict(columns)
        else:
            changed.update(columns)

    def of(self, value: Any) -> Sequence[Row]:
        """The rows whose `group` column has this value, oldest first."""
        return self._groups.get(value, ())

    def write(self, cursor: psycopg.Cursor[Any]) -> None:
        """Write what is new and what changed."""
        if self.new:
            rows = [tuple(row.values()) for row in self.new.values()]
            if self.on_conflict == "fail":
                copy_rows(cursor, self.table, rows)
            else:
                _insert_rows(cursor, self.table, rows, self.on_conflict)
        by_columns: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for key, columns in self.changed.items():
            names = tuple(sorted(columns))
            keys = key if isinstance(key, tuple) else (key,)
            by_columns.setdefault(names, []).append((*keys, *[columns[name] for name in names]))
        for names, rows in by_columns.items():
            _update_rows(cursor, self.table, names, rows)


def copy_rows(cursor: psycopg.Cursor[Any], table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
    """Append whole rows, fastest; the columns are in the table's order."""
    columns = zip(*rows, strict=True)
    fields = [copy_fields(column, values) for column, values in zip(table.columns, columns, strict=True)]
    lines = list(map("\t".join, zip(*fields, strict=True)))
    lines.append("")
    with cursor.copy(_copy_statement(table)) as copy:
        copy.write("\n".join(lines).encode())


def _insert_rows(cursor: psycopg.Cursor[Any], table: sa.Table, rows: list[tuple[Any, ...]], on_conflict: str) -> None:
    cursor.execute(_insert_statement(table, on_conflict), _arrays(table, [c.name for c in table.columns], rows))


def _update_rows(
    cursor: psycopg.Cursor[Any], table: sa.Table, names: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    keys = [column.name for column in table.primary_key]
    cursor.execute(_update_statement(table, names), _arrays(table, [*keys, *names], rows))


def _arrays(table: sa.Table, names: Sequence[str], rows: list[tuple[Any, ...]]) -> list[str]:
    columns = zip(*rows, strict=True)
    return [array_text(column_texts(table.columns[name], values)) for name, values in zip(names, columns, strict=True)]


# ---------------------------------------------------------------- statements; all names come from projections.tables


@cache
def _copy_statement(table: sa.Table) -> bytes:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"COPY {table.name} ({names}) FROM STDIN".encode()


@cache
def _insert_statement(table: sa.Table, on_conflict: str) -> bytes:
    names = [column.name for column in table.columns]
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    action = "DO NOTHING"
    if on_conflict == "replace":
        action = "DO UPDATE SET " + ", ".join(f'"{name}" = excluded."{name}"' for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f"INSERT INTO {table.name} ({listed}) SELECT {_casts(table, names)} FROM {_unnest(names)} "  # noqa: S608
        f"ON CONFLICT ({keys}) {action}"
    ).encode()


@cache
def _update_statement(table: sa.Table, names: tuple[str, ...]) -> bytes:
    keys = [column.name for column in table.primary_key]
    sets = ", ".join(f'"{name}" = {_cast(table, name)}' for name in names)
    match = " AND ".join(f'{table.name}."{name}" = {_cast(table, name)}' for name in keys)
    return f"UPDATE {table.name} SET {sets} FROM {_unnest([*keys, *names])} WHERE {match}".encode()  # noqa: S608


def _unnest(names: Sequence[str]) -> str:
    """Arrays of text, side by side: an array of arrays (tags) would be flattened by any other type."""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"unnest({', '.join(['%s::text[]'] * len(names))}) AS given ({listed})"


def _casts(table: sa.Table, names: Sequence[str]) -> str:
    return ", ".join(_cast(table, name) for name in names)


def _cast(table: sa.Table, name: str) -> str:
    return f'given."{name}"::{table.columns[name].type.compile(dialect=_DIALECT)}'
