"""A feed: reads one partition of the log, batch after batch, never far ahead of who handles them."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

from schemas.event_log import EventLog
from streams.batch import Batch
from streams.delivery import DeliverySettings


class Feed:
    """Delivers the batches of one partition in order, from a position that can be moved.

    It sleeps at the end of the partition until a commit wakes it, and while `max_waiting_batches` are unhandled until
    one is. Feeds know nothing of each other: a slow partition holds up no other.
    """

    def __init__(
        self,
        log: EventLog,
        topic: str,
        partition: int,
        *,
        settings: DeliverySettings,
        deliver: Callable[[Batch], Awaitable[None]],
    ) -> None:
        self.topic, self.partition = topic, partition
        self.position = 0
        self._log, self._settings, self._deliver = log, settings, deliver
        self._room = asyncio.Semaphore(settings.max_waiting_batches)
        self._unhandled: list[Batch] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Deliver from `position` on, as long as `tasks` run."""
        self._tasks = tasks
        self._task = tasks.create_task(self._run())

    def seek(self, offset: int) -> None:
        """Go on at `offset`; what was delivered before and is not in its handler's hands yet is dropped."""
        self.position = offset
        self._unhandled.clear()
        if self._tasks is not None and self._task is not None:
            self._task.cancel()  # it may sleep at the old position
            self._task = self._tasks.create_task(self._run())

    def is_current(self, batch: Batch) -> bool:
        """Whether the batch still counts: the position was not moved since it was read."""
        return any(batch is unhandled for unhandled in self._unhandled)

    def handled(self, batch: Batch) -> None:
        """Make room for the next batch; each delivered one is to be reported once, current or not."""
        with suppress(ValueError):
            self._unhandled.remove(batch)
        self._room.release()

    async def _run(self) -> None:
        while True:
            await self._room.acquire()
            try:
                batch = await self._read()
                self._unhandled.append(batch)
                await self._deliver(batch)
            except BaseException:
                self._room.release()
                raise

    async def _read(self) -> Batch:
        first = at = self.position
        while True:
            chunk = await self._log.read(self.topic, self.partition, at, limit=self._settings.max_batch_records)
            if chunk:
                self.position = chunk.next
                return Batch(self.topic, self.partition, first, chunk.records, chunk.next)
            if chunk.next == at:
                await self._log.wait({(self.topic, self.partition): at}, timeout=math.inf)
            at = chunk.next
