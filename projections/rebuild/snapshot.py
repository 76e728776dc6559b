"""A snapshot of the database that several connections read at once."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Final, Self

from psycopg import sql

from projections.projecting import Connection, projecting_connection
from projections.rebuild.compare import compare_table
from projections.rebuild.report import TableComparison

BEGIN: Final = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
EXPORT: Final = "SELECT pg_export_snapshot() AS id"
IMPORT: Final = sql.SQL("SET TRANSACTION SNAPSHOT {}")
SETTINGS: Final = b"SET LOCAL TimeZone = 'UTC'; SET LOCAL jit = off"
APPLICATION: Final = "headrace rebuild compare"


class Snapshot:
    """What the database held at one moment, read by a few connections."""

    def __init__(self, database_url: str, connections: int) -> None:
        """Take it now."""
        with contextlib.ExitStack() as stack:
            opened = [
                stack.enter_context(projecting_connection(database_url, application_name=APPLICATION))
                for _ in range(connections)
            ]
            _share(opened)
            self._connections = opened
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.rollback()
        self._stack.close()

    async def compare(
        self, tables: Sequence[str], live: str, rebuilt: str, done: Callable[[int], None]
    ) -> list[TableComparison]:
        """Compare these tables of two schemas; `done` is told how many are."""
        left, found, lock = list(reversed(tables)), dict[str, TableComparison](), threading.Lock()

        def work(connection: Connection) -> None:
            while True:
                with lock:
                    if not left:
                        return
                    table = left.pop()
                with connection.cursor() as cursor:
                    found[table] = compare_table(cursor, table, live, rebuilt)

        working = [asyncio.create_task(asyncio.to_thread(work, connection)) for connection in self._connections]
        while working:
            finished, pending = await asyncio.wait(working, timeout=0.25)
            for task in finished:
                task.result()
            working = list(pending)
            done(len(found))
        return [found[table] for table in tables]


def _share(connections: Sequence[Connection]) -> None:
    """Let all see what the first one sees now."""
    first, *others = connections
    first.execute(BEGIN)
    found = first.execute(EXPORT).fetchone()
    assert found is not None, "the function gives a row"
    for one in others:
        one.execute(BEGIN)
        one.execute(IMPORT.format(sql.Literal(found["id"])))
    for one in connections:
        one.execute(SETTINGS)
