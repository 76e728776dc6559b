"""The swap: rebuilt tables become the live ones and these the previous ones, in one transaction."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg
from psycopg import sql

from projections.checkpoints import Source
from projections.rebuild.marker import PREVIOUS, Marker, write_marker
from projections.rebuild.plan import ALL_TABLES
from projections.rebuild.shadow import copy_grants
from projections.sql_text import array_text

Cursor = psycopg.Cursor[dict[str, Any]]

OUTGOING: Final = "headrace_outgoing"
OUTDATED: Final = "headrace_outdated"
"""What was previous before: dropped after the swap, as dropping large tables takes a while."""

HOLD_CHECKPOINTS: Final = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
"""No projector moves a checkpoint while it is held; reading goes on."""
LOCK: Final = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
MOVE_TABLE: Final = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
READ_CHECKPOINTS: Final = sql.SQL('SELECT topic, partition, "offset" FROM {}')
SET_CHECKPOINTS: Final = sql.SQL("""
    UPDATE {} AS checkpoints SET "offset" = given.now
    FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS given (topic, partition, now)
    WHERE checkpoints.topic = given.topic AND checkpoints.partition = given.partition
""")

_AS_READERS_DO: Final = ("workflow_executions", "workflow_enrollments", "workflow_versions", "workflows")
"""Joins of the API's queries take their tables in this order; who locks them in the same one seldom crosses their way."""


def read_checkpoints(cursor: Cursor, schema: str) -> dict[Source, int]:
    """The checkpoints of a schema."""
    rows = cursor.execute(READ_CHECKPOINTS.format(sql.Identifier(schema, "checkpoints")))
    return {(row["topic"], row["partition"]): row["offset"] for row in rows}


def lock_order(tables: Iterable[str]) -> list[str]:
    """The order in which to lock tables."""
    wanted = set(tables)
    first = [table for table in _AS_READERS_DO if table in wanted]
    return [*first, *sorted(wanted - set(first))]


def swap(cursor: Cursor, live: str, incoming: str, tables: tuple[str, ...], kept: Marker) -> None:
    """Make the tables of `incoming` the live ones; the caller holds the checkpoints and commits.

    Live's checkpoints table stays where it is and takes over the incoming positions; its own go with the old tables, so
    that these can be brought forward again. Tables that are not swapped make the old ones' schema a whole one.

    Args:
        cursor: in a transaction, with a short lock time-out: whoever reads live meanwhile waits as long as we do.
        live: the schema of the live tables.
        incoming: the schema of the rebuilt ones.
        tables: which are swapped.
        kept: the marker of those that were live.

    Raises:
        psycopg.errors.LockNotAvailable: somebody reads live; nothing was changed.
    """
    for table in lock_order(tables):
        cursor.execute(LOCK.format(sql.Identifier(live, table)))
    copy_grants(cursor, live, incoming, tables)
    if incoming != PREVIOUS:
        _rename(cursor, PREVIOUS, OUTDATED)
    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(OUTGOING)))
    _exchange_checkpoints(cursor, live, incoming)
    for table in ALL_TABLES:
        if table in tables:
            _move(cursor, table, live, OUTGOING)
            _move(cursor, table, incoming, live)
        else:
            _move(cursor, table, incoming, OUTGOING)
    cursor.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(incoming)))
    _rename(cursor, OUTGOING, PREVIOUS)
    write_marker(cursor, PREVIOUS, kept)


def _move(cursor: Cursor, table: str, from_: str, to: str) -> None:
    cursor.execute(MOVE_TABLE.format(sql.Identifier(from_, table), sql.Identifier(to)))


def _rename(cursor: Cursor, schema: str, to: str) -> None:
    found = cursor.execute("SELECT to_regnamespace(%s) AS found", [schema]).fetchone()
    if found is not None and found["found"] is not None:
        cursor.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(to)))


def _exchange_checkpoints(cursor: Cursor, live: str, incoming: str) -> None:
    at = {schema: read_checkpoints(cursor, schema) for schema in (live, incoming)}
    _set_checkpoints(cursor, live, at[incoming])
    _set_checkpoints(cursor, incoming, at[live])


def _set_checkpoints(cursor: Cursor, schema: str, offsets: Mapping[Source, int]) -> None:
    columns = zip(*((topic, str(number), str(offset)) for (topic, number), offset in offsets.items()), strict=True)
    statement = SET_CHECKPOINTS.format(sql.Identifier(schema, "checkpoints"))
    cursor.execute(statement, [array_text(column) for column in columns])
