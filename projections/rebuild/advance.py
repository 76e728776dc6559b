"""Advancing: a schema's tables brought to bounds, by worker processes when there is much to do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from projections.checkpoints import Source
from projections.errors import ProjectionError
from projections.rebuild.loader import Loader
from projections.rebuild.workers import Assignment, load_sources
from schemas.topics import DEFINITIONS

FEW: Final = 20_000
"""So many records are projected sooner by this process than by workers that have to start."""
LOOK_EVERY_S: Final = 0.25

Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, and of what."""
Pool = Callable[[int], Executor]
"""Makes so many worker processes."""


class Advance:
    """Definitions first, as journal records refer to them; then each partition by itself, for none knows of another."""

    def __init__(
        self,
        loader: Loader,
        checkpoints: Callable[[], Mapping[Source, int]],
        assignment: Assignment,
        *,
        pool: Pool,
        workers: int,
        progress: Progress,
    ) -> None:
        """Make one; no worker is started before there is much to do.

        Args:
            loader: of this process.
            checkpoints: reads the schema's checkpoints; not by the loader's connection, which is busy.
            assignment: what the workers are told.
            pool: makes workers.
            workers: how many, at most; 1: this process does everything.
            progress: is told of records.
        """
        self._loader, self._checkpoints, self._assignment = loader, checkpoints, assignment
        self._pool, self._workers, self._progress = pool, workers, progress
        self._executor: Executor | None = None
        self.records = 0

    async def to(self, bounds: Mapping[Source, int]) -> int:
        """Bring every source to its bound, or to the log's end before it; gives by how many records it moved.

        Raises:
            UnreadableRecord: a record can't be decoded or folded.
            ProjectionError: a worker died.
        """
        start = await asyncio.to_thread(self._checkpoints)
        behind = {source: bound - start[source] for source, bound in bounds.items() if bound > start[source]}
        if not behind:
            return 0
        async with self._telling(start, sum(behind.values())):
            await self._loader.load([source for source in behind if source[0] == DEFINITIONS], bounds)
            shares = _shares(behind)
            if self._workers > 1 and len(shares) > 1 and sum(behind.values()) > FEW:
                await self._by_workers(shares, bounds)
            else:
                for sources in shares:
                    await self._loader.load(sources, bounds)
        moved = _moved(start, await asyncio.to_thread(self._checkpoints))
        self.records += moved
        return moved

    async def _by_workers(self, shares: Sequence[Sequence[Source]], bounds: Mapping[Source, int]) -> None:
        if self._executor is None:
            self._executor = self._pool(min(self._workers, len(shares)))
        tasks: list[Future[None]] = [
            self._executor.submit(load_sources, self._assignment, sources, {one: bounds[one] for one in sources})
            for sources in shares
        ]
        try:
            await asyncio.gather(*map(asyncio.wrap_future, tasks))
        except BrokenProcessPool as error:
            message = "a worker process of the rebuild died; start the rebuild again: it goes on from where it got to"
            raise ProjectionError(message) from error

    @contextlib.asynccontextmanager
    async def _telling(self, start: Mapping[Source, int], total: int) -> AsyncIterator[None]:
        telling = asyncio.create_task(self._tell(start, total))
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, start: Mapping[Source, int], total: int) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            done = _moved(start, await asyncio.to_thread(self._checkpoints))
            self._progress(min(done, total), total, "records")

    async def close(self, end_loaders: Callable[[], None]) -> None:
        """End the workers; those at work stop at once, as their connections are ended."""
        if self._executor is not None:
            await asyncio.to_thread(end_loaders)
            await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)


def _shares(behind: Mapping[Source, int]) -> list[list[Source]]:
    """The sources of each partition together, the largest share first, so that no worker is left with it at the end."""
    by_partition: dict[int, list[Source]] = {}
    for source in behind:
        if source[0] != DEFINITIONS:
            by_partition.setdefault(source[1], []).append(source)
    return sorted(by_partition.values(), key=lambda sources: -sum(behind[source] for source in sources))


def _moved(start: Mapping[Source, int], now: Mapping[Source, int]) -> int:
    return sum(now[source] - offset for source, offset in start.items())
