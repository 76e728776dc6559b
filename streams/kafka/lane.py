"""A lane: hands the batches of one partition to their handler, one after the other, and says when enough wait."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from streams.batch import Batch

Handle = Callable[["Lane", Batch], Awaitable[None]]


class Lane:
    """Lanes know nothing of each other: a slow partition holds up no other."""

    def __init__(self, limit: int, on_room: Callable[[], None]) -> None:
        """Make one.

        Args:
            limit: how many bytes may be fetched and not yet handled; the batch that passes it is still taken.
            on_room: called when there is room again.
        """
        self._limit, self._on_room = limit, on_room
        self._unhandled: dict[int, Batch] = {}
        """By identity: what is fetched again after a drop may be equal, and is another batch."""
        self._bytes = 0
        self._waiting: deque[tuple[Batch, Handle]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be fetched for now."""
        return self._bytes >= self._limit

    def expect(self, batch: Batch) -> None:
        """The batch was fetched, and is on its way to its agent."""
        self._unhandled[id(batch)] = batch
        self._bytes += batch.size

    def put(self, batch: Batch, handle: Handle) -> None:
        """Let `handle` take the batch when those before it are handled."""
        self._waiting.append((batch, handle))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def is_current(self, batch: Batch) -> bool:
        """Whether the batch still counts: nothing was dropped since it was fetched."""
        return id(batch) in self._unhandled

    def handled(self, batch: Batch) -> None:
        """Make room for the next batch."""
        if self._unhandled.pop(id(batch), None) is not None:
            self._bytes -= batch.size
            self._on_room()

    def drop(self) -> None:
        """What waits counts no more: it will be fetched again. A handler that is at work goes on."""
        self._unhandled.clear()
        self._bytes = 0
        self._waiting.clear()
        self._on_room()

    async def close(self) -> None:
        """Drop what waits, and cancel the handler that is at work."""
        self.drop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            batch, handle = self._waiting.popleft()
            await handle(self, batch)
        self._task = None
