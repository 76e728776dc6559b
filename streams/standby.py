"""Warm standbys: the stores of partitions that other workers own, kept folded to near the ends of their journals.

Whoever is given such a partition folds only what came in the last moments.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, NoReturn, Protocol

import structlog

from schemas.event_log import Chunk, EventLog
from schemas.topics import JOURNAL
from streams.opening import begin_store, fold, read_some
from streams.partition_settings import PartitionSettings
from streams.store import Store

_REST_S: Final = 0.5
"""So long news may gather before they are folded: many events of a contact are one write then."""
_NEAR_S: Final = 0.5
"""Who needs less than this for what came meanwhile has caught up with the journal."""
_TELL_S: Final = 10.0
_WAIT_S: Final = 60.0
_PATIENCE_S: Final = 2.0
_LOOK_S: Final = 0.05
_RETRY_S: Final = 5.0
_CHUNK_BESIDE_WORK: Final = 500
"""Records that are folded in one go while the process also owns partitions, which wait meanwhile."""
_log = structlog.get_logger(__name__)


class Work(Protocol):
    """What goes on in this process beside standbys, and goes before them."""

    @property
    def unsettled(self) -> bool:
        """Whether partitions are just being taken over."""
        ...

    @property
    def behind(self) -> bool:
        """Whether input of what is owned waits in a queue."""
        ...

    @property
    def owns_any(self) -> bool:
        """Whether any partition is owned."""
        ...


class Standbys:
    """Follows the journals of partitions that others own, and keeps every store of theirs that is open."""

    def __init__(self, log: EventLog, settings: PartitionSettings, work: Work) -> None:
        self._log, self._settings, self._work = log, settings, work
        self._stores: dict[int, Store] = {}
        self._closing: dict[int, asyncio.Task[None]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self.warm: frozenset[int] = frozenset()
        """Partitions whose journals were folded to their ends, and are followed since."""
        self.awaited: frozenset[int] = frozenset()
        """Those that are to be owned here when they are warm: the group says so."""
        self.on_warm: Callable[[], None] = lambda: None
        """Called when one more is warm."""

    @property
    def reflected(self) -> Mapping[int, int]:
        """The next journal offset to fold, of each partition that is followed and whose store is open."""
        return {number: store.reflected.offset for number, store in self._stores.items()}

    def adopt(self, partition: int, store: Store) -> None:
        """Take the open store of a partition that was owned here until now."""
        self._stores[partition] = store

    async def take(self, partition: int) -> Store | None:
        """Follow the partition no longer, and give its store, if it is open, to who owns the partition now."""
        await self._end(partition)
        await self._closed(partition)
        return self._stores.pop(partition, None)

    async def follow(self, partitions: Collection[int], *, owned: Collection[int] = ()) -> None:
        """Follow exactly these from now on. Stores of others are closed, but of those that are owned: their owners take them."""
        for number in self._tasks.keys() - set(partitions):
            await self._end(number)
        for number in self._stores.keys() - set(partitions) - set(owned):
            self._closing[number] = asyncio.create_task(asyncio.to_thread(self._stores.pop(number).close))
        for number in sorted(set(partitions) - self._tasks.keys()):
            self._tasks[number] = asyncio.create_task(self._follow(number))

    async def close(self) -> None:
        """Follow nothing any more, and close every store."""
        await self.follow(())
        await asyncio.gather(*self._closing.values())

    async def _end(self, partition: int) -> None:
        self.warm -= {partition}
        if (task := self._tasks.pop(partition, None)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _closed(self, partition: int) -> None:
        if (closing := self._closing.get(partition)) is not None:
            await asyncio.shield(closing)

    async def _follow(self, partition: int) -> None:
        """Until it is cancelled. What goes wrong here is no reason to give up partitions that are owned."""
        while True:
            try:
                store = await self._open(partition)
                position = await self._catch_up(partition, store)
                self.warm |= {partition}
                self.on_warm()
                await self._keep_up(partition, store, position)
            except Exception as error:  # noqa: BLE001 whatever it is, whoever owns the partition finds it, too
                self.warm -= {partition}
                _log.warning("standby.failed", partition=partition, error=repr(error), again_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _open(self, partition: int) -> Store:
        await self._closed(partition)
        if partition not in self._stores:
            await self._until_idle()
            self._stores[partition] = await begin_store(self._log, partition, self._settings)
        return self._stores[partition]

    async def _catch_up(self, partition: int, store: Store) -> int:
        """To where the journal ends, again and again, for it grows: until little came while the last was folded."""
        began, first = time.monotonic(), store.reflected.offset
        position, took_s, tell_at = first, _NEAR_S, began + _TELL_S
        while took_s >= _NEAR_S:
            since = time.monotonic()
            end = await self._log.end_offset(JOURNAL, partition)
            while position < end:
                position = (await self._fold(partition, store, position, end)).next
                if time.monotonic() >= tell_at:
                    _log.info("standby.folding", partition=partition, position=position, end=end)
                    tell_at += _TELL_S
            took_s = time.monotonic() - since
        seconds = round(time.monotonic() - began, 3)
        _log.debug("standby.warm", partition=partition, **{"from": first, "to": position}, seconds=seconds)
        return position

    async def _keep_up(self, partition: int, store: Store, position: int) -> NoReturn:
        while True:
            if await self._log.wait({(JOURNAL, partition): position}, timeout=_WAIT_S):
                chunk = await self._fold(partition, store, position, position)
                position = chunk.next
                if len(chunk) < _CHUNK_BESIDE_WORK:
                    await asyncio.sleep(_REST_S)

    async def _fold(self, partition: int, store: Store, position: int, end: int) -> Chunk:
        """One partition at a time, and as long a pause as it took if there is other work: that is not to wait for standbys."""
        async with self._turn:
            await self._until_idle(_PATIENCE_S)
            beside_work = self._work.owns_any
            limit = _CHUNK_BESIDE_WORK if beside_work else None
            chunk = await read_some(self._log, partition, position, end, limit=limit)
            began = time.monotonic()
            fold(store, chunk)
            await asyncio.sleep(time.monotonic() - began if beside_work else 0)
        return chunk

    async def _until_idle(self, patience_s: float = 0.0) -> None:
        """What is owned goes first: in a burst it has all of the processor, and if it stays behind, nearly all."""
        until = time.monotonic() + patience_s
        while self._work.unsettled or (self._work.behind and time.monotonic() < until):  # noqa: ASYNC110 both end in many ways
            await asyncio.sleep(_LOOK_S)
