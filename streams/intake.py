"""What waits to be taken in by a partition: batches of input, as many as there is room for, and outcomes of attempts."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from domain import command as c
from streams.batch import Batch

_BEHIND_BYTES: Final = 64 * 1024
"""Some hundreds of records: more than a transaction or two take in."""


class Intake:
    """Filled by the agents and the dispatcher, emptied by the partition's actor."""

    def __init__(self, max_bytes: int, wake: Callable[[], None]) -> None:
        """Empty.

        Args:
            max_bytes: with so much input waiting there is no room for more.
            wake: called when something came.
        """
        self._max_bytes, self._wake = max_bytes, wake
        self._batches: deque[Batch] = deque()
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self.reports: deque[c.ReportOutcome] = deque()
        """Outcomes that were reported and not taken in yet."""

    @property
    def is_full(self) -> bool:
        """Whether there is no room for a batch."""
        return self._bytes >= self._max_bytes

    @property
    def is_behind(self) -> bool:
        """Whether there is so much input that it will be some transactions until it is taken in."""
        return self._bytes >= _BEHIND_BYTES

    async def room(self) -> None:
        """Wait until somebody has looked whether there is room."""
        self._room.clear()
        await self._room.wait()

    def let_in(self) -> None:
        """Let who waits for room look again."""
        self._room.set()

    def put(self, batch: Batch) -> None:
        """Let a batch wait."""
        self._batches.append(batch)
        self._bytes += batch.size
        self._wake()

    def report(self, outcome: c.ReportOutcome) -> None:
        """Let an outcome wait."""
        self.reports.append(outcome)
        self._wake()

    def batches(self) -> Iterator[Batch]:
        """Those that wait, in order, each taken out as it is asked for."""
        while self._batches:
            batch = self._batches.popleft()
            self._bytes -= batch.size
            yield batch

    def drop(self, topic: str | None = None) -> None:
        """Let no batch of this topic wait, or none at all: they will be read again."""
        self._keep(batch for batch in self._batches if topic is not None and batch.topic != topic)

    def _keep(self, batches: Iterable[Batch]) -> None:
        self._batches = deque(batches)
        self._bytes = sum(batch.size for batch in self._batches)
