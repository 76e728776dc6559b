"""The rebuild's own connection: who rebuilds, what stands where, and the moments in which live is held."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql

from projections import checkpoints, migrations
from projections.checkpoints import Source
from projections.errors import ProjectionError
from projections.projecting import projecting_connection
from projections.rebuild.errors import InTheWay, OutOfReach, RebuildUnderWay
from projections.rebuild.loader import APPLICATION
from projections.rebuild.marker import SHADOW, Marker, read_marker
from projections.rebuild.shadow import (
    dependents,
    drop_schema,
    live_schema,
    make_shadow,
    migration_of,
)
from projections.rebuild.swap import HOLD_CHECKPOINTS, OUTDATED, read_checkpoints
from schemas.topics import JOURNAL

LOCK: Final = 0x48EAD2ACF
"""The advisory lock of the one rebuild that may be under way."""
LOCK_SECONDS: Final = 5.0
END_LOADERS: Final = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE application_name = %s AND datname = current_database() AND pid <> pg_backend_pid()
"""
HOLD_TIMEOUT: Final = b"SET LOCAL lock_timeout = '60s'"
"""A projector's transaction may take long on a busy machine; who only reads does not wait behind us."""

Cursor = psycopg.Cursor[dict[str, Any]]
_T = TypeVar("_T")


class Control:
    """One connection that outlives the loading; its advisory lock keeps a second rebuild out."""

    def __init__(self, database_url: str) -> None:
        self._connection = projecting_connection(database_url, application_name=f"{APPLICATION} control")
        self._live: str | None = None

    def close(self) -> None:
        """Let go of the database, and of the lock with it."""
        self._connection.close()

    @property
    def live(self) -> str:
        """The schema of the live tables."""
        if self._live is None:
            with self._connection.cursor() as cursor:
                self._live = live_schema(cursor)
        return self._live

    async def begin(self) -> None:
        """Become the one rebuild, and clear away what a killed one left behind.

        Raises:
            RebuildUnderWay: there is one already.
        """
        deadline = time.monotonic() + LOCK_SECONDS
        while not await self.do(_take_lock):
            if time.monotonic() > deadline:
                raise RebuildUnderWay
            await asyncio.sleep(0.1)
        self.end_loaders()
        await self.do(lambda cursor: drop_schema(cursor, OUTDATED))

    async def prepare(self, sources: list[Source]) -> None:
        """Give live a checkpoint for each source, as its projector does when it starts."""
        await self.do(lambda cursor: _prepare(cursor, sources))

    def end_loaders(self) -> None:
        """End the connections of workers, whoever started them."""
        self._connection.execute(END_LOADERS, [APPLICATION])

    async def do(self, work: Callable[[Cursor], _T]) -> _T:
        """What `work` gives, in a transaction and a thread."""
        return await asyncio.to_thread(self._do, work)

    def _do(self, work: Callable[[Cursor], _T]) -> _T:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            return work(cursor)

    async def checkpoints(self, schema: str) -> dict[Source, int]:
        """The checkpoints of a schema."""
        return await self.do(lambda cursor: read_checkpoints(cursor, schema))

    async def marker(self, schema: str) -> Marker | None:
        """The marker of a schema, if there is one."""
        return await self.do(lambda cursor: read_marker(cursor, schema))

    async def migration(self) -> str:
        """The migration that the database is at."""
        return await self.do(lambda cursor: migration_of(cursor, self.live))

    async def make_shadow(self, marker: Marker) -> None:
        """Make the shadow anew, empty, with live's sources at offset 0."""
        live = self.live

        def make(cursor: Cursor) -> None:
            sources = list(read_checkpoints(cursor, live))
            drop_schema(cursor, SHADOW)
            make_shadow(cursor, live, marker)
            cursor.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(SHADOW)))
            _prepare(cursor, sources)

        await self.do(make)

    async def nothing_hangs_on(self, tables: tuple[str, ...]) -> None:
        """See that nobody made something on these tables that a swap would take out of use.

        Raises:
            InTheWay: somebody did.
        """
        found = await self.do(lambda cursor: dependents(cursor, self.live, tables))
        if found:
            message = (
                f"expected nothing that hangs on the tables to be swapped, found {', '.join(found)}: it would go on "
                "showing the old ones; drop it and make it again after the swap, or compare only (--no-swap)"
            )
            raise InTheWay(message)

    @contextlib.asynccontextmanager
    async def holding(self, migration: str) -> AsyncIterator[Cursor]:
        """A transaction in which no live checkpoint moves, and no migration runs; reading goes on.

        Raises:
            OutOfReach: a projector's transaction, or a migration, went on for too long.
            ProjectionError: the database was migrated meanwhile.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            await asyncio.to_thread(self._hold, cursor)
            found = migration_of(cursor, self.live)
            if found != migration:
                message = f"the database was migrated meanwhile, from {migration} to {found}; start the rebuild again"
                raise ProjectionError(message)
            yield cursor

    def _hold(self, cursor: Cursor) -> None:
        cursor.execute(HOLD_TIMEOUT)
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [migrations.LOCK])
            cursor.execute(HOLD_CHECKPOINTS.format(sql.Identifier(self.live, "checkpoints")))
        except psycopg.errors.LockNotAvailable as error:
            raise OutOfReach from error


def _prepare(cursor: Cursor, sources: list[Source]) -> None:
    checkpoints.prepare(cursor, sources, sum(topic == JOURNAL for topic, _ in sources))


def _take_lock(cursor: Cursor) -> bool:
    row = cursor.execute("SELECT pg_try_advisory_lock(%s) AS taken", [LOCK]).fetchone()
    return bool(row and row["taken"])
