"""Tables that lack what came before an upgrade: a migration marks them, a rebuild replaces them and the mark with them."""

from typing import Final

import sqlalchemy as sa

from projections.database import connect

_MARK: Final = "headrace: rebuild due"
_HAS_PAST: Final = sa.text('SELECT EXISTS (SELECT FROM checkpoints WHERE "offset" > 0)')
_MARKED: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('checkpoints'))
      AND obj_description(oid, 'pg_class') = %s
    ORDER BY relname
"""


def mark_stale(connection: sa.Connection, *tables: str) -> None:
    """For a migration: rows of these tables that were, or should have been, made before it want a rebuild."""
    if connection.execute(_HAS_PAST).scalar():
        for table in tables:
            connection.execute(sa.text(f"COMMENT ON TABLE {table} IS '{_MARK}'"))


def stale_tables(url: str) -> tuple[str, ...]:
    """The live tables that `headrace rebuild` has to make anew before they tell of all the past."""
    with connect(url, application_name="headrace") as connection:
        return tuple(name for (name,) in connection.execute(_MARKED, [_MARK]))
