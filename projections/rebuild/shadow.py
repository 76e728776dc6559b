"""The shadow: tables like the live ones in a schema of their own, their indexes made once they are full."""

from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

from projections.changes import RowChanges
from projections.errors import ProjectionError
from projections.rebuild.marker import SHADOW, Marker, write_marker
from projections.rebuild.plan import ALL_TABLES
from projections.tables import checkpoints, metadata

Cursor = psycopg.Cursor[dict[str, Any]]

LIVE: Final = """
    SELECT nspname AS schema FROM pg_namespace
    WHERE oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('checkpoints'))
"""
MIGRATION: Final = sql.SQL("SELECT version_num FROM {}.alembic_version")
LIKE_LIVE: Final = sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)")
INDEXES: Final = """
    SELECT of_table.relname AS table, index.relname AS index, pg_get_indexdef(index.oid) AS definition,
           format(' ON %%I.%%I USING ', %(schema)s::text, of_table.relname) AS place, quote_ident(found.conname) AS key,
           pg_get_constraintdef(found.oid) AS key_definition
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    JOIN pg_class AS of_table ON of_table.oid = indrelid
    LEFT JOIN pg_constraint AS found ON found.conindid = indexrelid AND found.contype IN ('p', 'u')
    WHERE of_table.relnamespace = to_regnamespace(%(schema)s) AND of_table.relname = ANY(%(tables)s)
    ORDER BY of_table.relname, index.relname
"""
GRANTS: Final = """
    SELECT relname AS table, privilege_type AS privilege, is_grantable AS grantable,
           CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee) END AS grantee
    FROM pg_class, aclexplode(relacl)
    WHERE relnamespace = to_regnamespace(%s) AND relname = ANY(%s) AND grantee <> relowner
"""
DEPENDENTS: Final = """
    SELECT DISTINCT 'view ' || ev_class::regclass AS name
    FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = objid
    JOIN pg_class ON pg_class.oid = refobjid
    WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass AND ev_class <> refobjid
      AND relnamespace = to_regnamespace(%(schema)s) AND relname = ANY(%(tables)s)
    UNION
    SELECT format('foreign key %%s of %%s', conname, conrelid::regclass)
    FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid
    WHERE contype = 'f' AND relnamespace = to_regnamespace(%(schema)s) AND relname = ANY(%(tables)s)
    ORDER BY name
"""

_GROUPS: Final = {checkpoints.name: None} | {rows.table.name: rows.group for rows in RowChanges().tables}
"""The tables whose rows are looked for while they are loaded, and the column by which, beside the key."""
_GROUP_INDEXES: Final = frozenset(
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if [column.name for column in index.columns][:1] == [_GROUPS.get(table.name)]
)


class Index(NamedTuple):
    """An index of the live tables, and the statement that makes the shadow's."""

    table: str
    name: str
    statement: str

    @property
    def while_loading(self) -> bool:
        """Whether loading needs it."""
        is_key = self.statement.startswith("ALTER")
        return self.name in _GROUP_INDEXES or (is_key and self.table in _GROUPS)


def live_schema(cursor: Cursor) -> str:
    """The schema of the live tables.

    Raises:
        ProjectionError: there are none.
    """
    row = cursor.execute(LIVE).fetchone()
    if row is None:
        message = "expected the read side's tables in the database, found none: migrate it first"
        raise ProjectionError(message)
    return str(row["schema"])


def migration_of(cursor: Cursor, live: str) -> str:
    """The migration that the live tables are at."""
    row = cursor.execute(MIGRATION.format(sql.Identifier(live))).fetchone()
    return str(row["version_num"]) if row else ""


def make_shadow(cursor: Cursor, live: str, marker: Marker) -> None:
    """Make the shadow, empty, and mark it.

    Raises:
        ProjectionError: the database's user may not.
    """
    try:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SHADOW)))
    except psycopg.errors.InsufficientPrivilege as error:
        message = f"a rebuild makes a schema of its own, and the database says: {error}; GRANT CREATE ON DATABASE to this user"
        raise ProjectionError(message) from error
    for table in ALL_TABLES:
        cursor.execute(LIKE_LIVE.format(sql.Identifier(SHADOW, table), sql.Identifier(live, table)))
    for index in missing_indexes(cursor, live):
        if index.while_loading:
            cursor.execute(index.statement.encode())
    write_marker(cursor, SHADOW, marker)


def drop_schema(cursor: Cursor, schema: str) -> None:
    """Drop a schema of ours with all its tables, if there is one."""
    cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def missing_indexes(cursor: Cursor, live: str) -> list[Index]:
    """The indexes that the live tables have and the shadow's have not, an operator's own included."""
    there = {row["index"] for row in _indexes(cursor, SHADOW)}
    return [_index(row) for row in _indexes(cursor, live) if row["index"] not in there]


def _indexes(cursor: Cursor, schema: str) -> list[dict[str, Any]]:
    return cursor.execute(INDEXES, {"schema": schema, "tables": list(ALL_TABLES)}).fetchall()


def _index(row: dict[str, Any]) -> Index:
    table, name = row["table"], row["index"]
    if row["key"] is not None:
        statement = f"ALTER TABLE {SHADOW}.{table} ADD CONSTRAINT {row['key']} {row['key_definition']}"
    else:
        statement = row["definition"].replace(row["place"], f" ON {SHADOW}.{table} USING ", 1)
    return Index(table, name, statement)


def copy_grants(cursor: Cursor, live: str, schema: str, tables: tuple[str, ...]) -> None:
    """Let those read the tables of a schema who may read live's."""
    for row in cursor.execute(GRANTS, [live, list(tables)]).fetchall():
        grantee = sql.SQL("PUBLIC") if row["grantee"] is None else sql.Identifier(row["grantee"])
        grant = sql.SQL("GRANT {} ON {} TO {} {}").format(
            sql.SQL(row["privilege"]),
            sql.Identifier(schema, row["table"]),
            grantee,
            sql.SQL("WITH GRANT OPTION" if row["grantable"] else ""),
        )
        cursor.execute(grant)


def dependents(cursor: Cursor, live: str, tables: tuple[str, ...]) -> list[str]:
    """What others made on the live tables, and what would go out of use with them: views and foreign keys."""
    return [row["name"] for row in cursor.execute(DEPENDENTS, {"schema": live, "tables": list(tables)})]
