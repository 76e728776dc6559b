"""A partition of the log as its process sees it: where it ends, its last records, and who waits for more."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from schemas.event_log import Record

_TAIL_BYTES: Final = 1024 * 1024
"""How much of each partition stays in memory, so that who reads along never asks SQLite."""


class LogPartition:
    """The committed part of a partition. `number` is its place among all partitions of the log."""

    def __init__(self, topic: str, partition: int, number: int, *, end: int, last_timestamp_ms: int) -> None:
        self.topic, self.partition, self.number = topic, partition, number
        self.end = end
        self.last_timestamp_ms = last_timestamp_ms
        self._tail: list[Record] = []
        self._blocks: deque[tuple[int, int]] = deque()
        """How many records and bytes each chunk added to the tail, to take them off again."""
        self._tail_bytes = 0
        self._waiters: dict[asyncio.Future[None], int] = {}

    def publish(self, records: Sequence[Record], size: int) -> None:
        """Let readers see records of together `size` bytes, which were committed.

        The caller does not await until all of a commit is published, so nobody sees a part of it.
        """
        self.end += len(records)
        self.last_timestamp_ms = records[-1].timestamp_ms
        self._remember(records, size)
        for waiter, offset in self._waiters.items():
            if self.end > offset and not waiter.done():
                waiter.set_result(None)

    def read_tail(self, offset: int, limit: int) -> Sequence[Record] | None:
        """Up to `limit` records from `offset` on; None when they are older than what is in memory."""
        if offset >= self.end:
            return ()
        index = offset - self.end + len(self._tail)
        return self._tail[index : index + limit] if index >= 0 else None

    def add_waiter(self, waiter: asyncio.Future[None], offset: int) -> None:
        """Resolve `waiter` when a record exists at or after `offset`."""
        self._waiters[waiter] = offset

    def remove_waiter(self, waiter: asyncio.Future[None]) -> None:
        """Forget the waiter."""
        self._waiters.pop(waiter, None)

    def fail_waiters(self, error: Exception) -> None:
        """Tell all who wait that nothing will come."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def _remember(self, records: Sequence[Record], size: int) -> None:
        self._tail.extend(records)
        self._blocks.append((len(records), size))
        self._tail_bytes += size
        gone = 0
        while self._tail_bytes > _TAIL_BYTES:
            count, size = self._blocks.popleft()
            self._tail_bytes -= size
            gone += count
        del self._tail[:gone]
