"""Waiting for the read side: who waits for a command's result, or for a definition to be in force, is woken in time.

The projector says NOTIFY after each of its transactions. One connection listens; for all that wait, one query per
kind of wait looks what has come. Without notices (the connection broke) it looks once a second.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.database import Database, Row, fetch_all, fetch_one

log = structlog.get_logger(__name__)

CHANNEL: Final = "headrace_progress"
_FALLBACK_SECONDS: Final = 1.0

Key = TypeVar("Key")
Value = TypeVar("Value")


class Watch(Generic[Key, Value]):
    """Keys that somebody waits for, and the query that finds what is there for many of them at once."""

    def __init__(self, look: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._look = look
        self._waiting: dict[Key, set[asyncio.Future[Value]]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def expect(self, key: Key) -> asyncio.Future[Value]:
        """Done as soon as a look finds the key's value; several may wait for the same key."""
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(future)
        return future

    def forget(self, key: Key, future: asyncio.Future[Value]) -> None:
        """This one waits no longer."""
        waiting = self._waiting.get(key, set())
        waiting.discard(future)
        if not waiting:
            self._waiting.pop(key, None)

    async def look(self) -> None:
        """Ask once for all keys, and wake those whose value is there."""
        found = await self._look(list(self._waiting))
        for key, value in found.items():
            for future in self._waiting.pop(key, set()):
                future.set_result(value)


class ReadSideProgress:
    """Lets a write wait until the read side shows it. Use it as an async context manager; the application does."""

    def __init__(self, database_url: str, database: Database, *, partitions: int) -> None:
        self._database_url = database_url
        self._database = database
        self._partitions = partitions
        self._news = asyncio.Event()
        self._results: Watch[UUID, Row] = Watch(self._find_results)
        self._offsets: Watch[int, bool] = Watch(self._find_offsets)
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def __aenter__(self) -> Self:
        self._tasks = (asyncio.create_task(self._listen()), asyncio.create_task(self._answer()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def result(self, command_id: UUID, *, seconds: float) -> Row | None:
        """The command's row of `command_results`; None when it is not there within so many seconds."""
        return await self._wait(self._results, command_id, seconds)

    async def in_force(self, definition_offset: int, *, seconds: float) -> bool:
        """Whether, within so many seconds, all partitions go by the definition at this offset."""
        return await self._wait(self._offsets, definition_offset, seconds) or False

    async def has_passed(self, definition_offset: int) -> bool:
        """Whether all partitions go by the definition at this offset already."""
        return bool(await self._find_offsets([definition_offset]))

    async def _wait(self, watch: Watch[Key, Value], key: Key, seconds: float) -> Value | None:
        future = watch.expect(key)
        self._news.set()
        try:
            done, _ = await asyncio.wait({future}, timeout=max(seconds, 0))
            return future.result() if done else None
        finally:
            watch.forget(key, future)

    async def _find_results(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Row]:
        rows = await fetch_all(self._database, "find_command_results", {"command_ids": list(map(str, command_ids))})
        return {UUID(row["command_id"]): row for row in rows}

    async def _find_offsets(self, offsets: Sequence[int]) -> Mapping[int, bool]:
        row = await fetch_one(self._database, "catalogue_offset", {"partitions": self._partitions})
        return {offset: True for offset in offsets if row and offset < row["offset"]}

    async def _answer(self) -> None:
        """Look whenever there is news, and once a second while somebody waits."""
        watches: tuple[Watch[Any, Any], ...] = (self._results, self._offsets)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _FALLBACK_SECONDS if any(watches) else None)
            self._news.clear()
            for watch in filter(None, watches):
                await self._look(watch)

    async def _look(self, watch: Watch[Any, Any]) -> None:
        try:
            await watch.look()
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("api.progress_unreadable", error=type(error).__name__)

    async def _listen(self) -> None:
        """Hear the projector's notices; connect again, after a second, whenever the connection breaks."""
        while True:
            try:
                await self._hear()
            except psycopg.Error as error:
                log.warning("api.progress_connection_lost", error=type(error).__name__)
            await asyncio.sleep(_FALLBACK_SECONDS)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._database_url, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            self._news.set()
            async for _ in connection.notifies():
                self._news.set()
