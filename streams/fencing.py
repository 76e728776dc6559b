"""Fencing in progress: partitions are fenced side by side, and a rebalance waits until none is being fenced."""

import asyncio
from types import TracebackType


class Fencing:
    """Used as a context around each opening of a writer; any number may be inside."""

    def __init__(self) -> None:
        self._inside = 0
        self._over = asyncio.Event()
        self._over.set()

    async def over(self) -> None:
        """Return when none is inside."""
        await self._over.wait()

    def __enter__(self) -> None:
        self._inside += 1
        self._over.clear()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._inside -= 1
        if not self._inside:
            self._over.set()
