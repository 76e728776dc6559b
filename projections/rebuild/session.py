"""A rebuild's session: the log and the database it works with, and how far live and the tables beside it are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, Self

from projections.batch import sources_of
from projections.checkpoints import Source
from projections.projecting import projecting_connection
from projections.rebuild.advance import Advance, Pool, Progress
from projections.rebuild.control import Control, Cursor
from projections.rebuild.errors import NotThisLog
from projections.rebuild.loader import BATCH, Loader
from projections.rebuild.marker import SHADOW, Marker, code_digest
from projections.rebuild.plan import Plan
from projections.rebuild.swap import read_checkpoints
from projections.rebuild.workers import Assignment
from schemas.event_log import LogReader, OpenLog
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL

NEAR: Final = 2_000
"""Records: no further behind live than this, the last of them are projected while live is held."""
ROUNDS: Final = 20
"""How often to come near before live is held all the same: it is written as fast as we are."""

_CHECK: Final = "they don't belong together; check HEADRACE_DATABASE_URL, and HEADRACE_KAFKA or the data directory"

Bounds = dict[Source, int]


class RebuildSession:
    """What a rebuild or a rollback works with. Use it as an async context manager: it holds connections and workers."""

    def __init__(
        self,
        open_log: OpenLog,
        database_url: str,
        *,
        pool: Pool,
        workers: int,
        batch_size: int = BATCH,
        progress: Progress = lambda *_: None,
    ) -> None:
        """Make one; nothing happens before it is entered.

        Args:
            open_log: opens the log, here and in the workers.
            database_url: a database that was migrated.
            pool: makes worker processes.
            workers: how many of them, at most; 1: none, this process does everything.
            batch_size: about how many records to project in one transaction.
            progress: is told how far it is.
        """
        self.database_url, self.workers, self.progress = database_url, workers, progress
        self._open_log, self._pool, self._batch_size = open_log, pool, batch_size
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with self._stack as stack:
            self._log: LogReader = await stack.enter_async_context(self._open_log())
            self.control = await asyncio.to_thread(Control, self.database_url)
            stack.callback(self.control.close)
            self._sources = await sources_of(self._log)
            await self.control.begin()
            await self._is_of_this_log()
            await self.control.prepare(self._sources)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def marker(self, plan: Plan) -> Marker:
        """What tables are made from that are made now."""
        topics = [await self._log.topic_id(topic) for topic in (JOURNAL, DEFINITIONS, DEAD_LETTERS)]
        identity = "/".join([self._log.cluster_id, *topics])
        migration = await self.control.migration()
        return Marker(projections=plan.names, migration=migration, log=identity, code=code_digest())

    async def bounds(self, schema: str) -> Bounds:
        """Where live is, or this schema where it is further."""
        live, ours = await self.control.checkpoints(self.control.live), await self.control.checkpoints(schema)
        return {source: max(live[source], ours[source]) for source in self._sources}

    async def first_bounds(self, plan: Plan) -> Bounds:
        """Where live is; the log's end when live has nothing yet, as then a rebuild is the quickest way to have it all."""
        live = await self.control.checkpoints(self.control.live)
        if plan.whole and not any(live.values()):
            return {source: await self._log.end_offset(*source) for source in self._sources}
        return await self.bounds(SHADOW)

    async def is_level(self, schema: str) -> bool:
        """Whether this schema and live are at the same checkpoints."""
        return await self.bounds(schema) == await self.control.checkpoints(self.control.live)

    @contextlib.asynccontextmanager
    async def advancing(self, schema: str, plan: Plan) -> AsyncIterator[Advance]:
        """What brings this schema's tables forward."""
        assignment = Assignment(self._open_log, self.database_url, schema, plan.names, self._batch_size)
        loader = await asyncio.to_thread(
            lambda: Loader(self._log, self.database_url, schema, plan, batch_size=self._batch_size)
        )
        watch = await asyncio.to_thread(
            lambda: projecting_connection(self.database_url, application_name="headrace rebuild progress")
        )

        def look() -> Bounds:
            with watch.cursor() as cursor:
                return read_checkpoints(cursor, schema)

        advance = Advance(loader, look, assignment, pool=self._pool, workers=self.workers, progress=self.progress)
        try:
            yield advance
        finally:
            await advance.close(self.control.end_loaders)
            loader.close()
            watch.close()

    @contextlib.asynccontextmanager
    async def level(self, advance: Advance, schema: str, migration: str) -> AsyncIterator[Cursor]:
        """Hold live's checkpoints while this schema's are the same (or ahead, where live was behind).

        Raises:
            OutOfReach: they can't be had.
        """
        for _ in range(ROUNDS):
            if await advance.to(await self.bounds(schema)) <= NEAR:
                break
        async with self.control.holding(migration) as cursor:
            live = await asyncio.to_thread(read_checkpoints, cursor, self.control.live)
            await advance.to(live)
            yield cursor

    async def _is_of_this_log(self) -> None:
        live = await self.control.checkpoints(self.control.live)
        ends = {source: await self._log.end_offset(*source) for source in self._sources}
        for topic, number in sorted(live.keys() ^ ends.keys() if live else ()):
            side = "the read side" if (topic, number) in live else "the log"
            raise NotThisLog(f"only {side} knows {topic}, partition {number}: {_CHECK}")
        for (topic, number), offset in live.items():
            if offset > ends[topic, number]:
                place = f"{topic}, partition {number}"
                message = f"the read side has read {place}, up to {offset}, and the log ends at {ends[topic, number]}: {_CHECK}"
                raise NotThisLog(message)
