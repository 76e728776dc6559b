"""A gate: lets one piece of work through at a time, and can be shut between two of them."""

import asyncio
from types import TracebackType


class Gate:
    """Used as a context by whoever works; shut, for a reason, by whoever says when nothing may be done.

    It is open when no reason is left. Shutting waits for the piece that is inside, so after it nothing is under way
    and nothing begins.
    """

    def __init__(self) -> None:
        self._reasons: set[str] = set()
        self._opened, self._empty = asyncio.Event(), asyncio.Event()
        self._opened.set()
        self._empty.set()

    def is_shut(self, reason: str) -> bool:
        """Whether it is shut for this reason."""
        return reason in self._reasons

    def forbid(self, reason: str) -> None:
        """Let nothing begin from now on, without waiting for the piece that is inside."""
        self._reasons.add(reason)
        self._opened.clear()

    async def shut(self, reason: str) -> None:
        """Let nothing begin, and return when the piece that is inside has ended."""
        self.forbid(reason)
        await self._empty.wait()

    def open(self, reason: str) -> None:
        """The reason is gone."""
        self._reasons.discard(reason)
        if not self._reasons:
            self._opened.set()

    async def until_open(self) -> None:
        """Return at once when work may begin, else when it may."""
        await self._opened.wait()

    def __enter__(self) -> None:
        assert self._empty.is_set(), "one piece of work is inside already"
        self._empty.clear()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._empty.set()
