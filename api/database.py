"""Named SQL: every query stands in `api/sql/*.sql` under `-- name: <name>`, and is asked for by that name."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection, AsyncCursor, Cursor
from psycopg.rows import RowMaker
from psycopg_pool import AsyncConnectionPool

from schemas.named_sql import load_sql

Database = AsyncConnectionPool[AsyncConnection[Any]]
Row = dict[str, Any]


_FILES: Final = (
    "commands",
    "contacts",
    "enrollments",
    "incidents",
    "late",
    "ledger",
    "stuck",
    "templates",
    "workflows",
)
QUERIES: Final[Mapping[str, bytes]] = {
    # Bytes, as psycopg wants a query that is no literal.
    name: text.encode()
    for file in _FILES
    for name, text in load_sql("api.sql", f"{file}.sql").items()
}


async def fetch_all(database: Database, name: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
    """All rows of the named query; times are in UTC."""
    async with database.connection() as connection, connection.cursor(row_factory=_utc_rows) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()


async def fetch_one(database: Database, name: str, parameters: Mapping[str, Any]) -> Row | None:
    """The first row of the named query, if there is one; times are in UTC."""
    rows = await fetch_all(database, name, parameters)
    return rows[0] if rows else None


def _utc_rows(cursor: AsyncCursor[Any] | Cursor[Any]) -> RowMaker[Row]:
    names = [column.name for column in cursor.description or ()]

    def make(values: Sequence[Any]) -> Row:
        return {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for name, value in zip(names, values, strict=True)
        }

    return make
