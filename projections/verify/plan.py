"""What is to be verified, with what, and how work is handed to processes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from projections.verify.stores import OpenStore
from schemas.event_log import OpenLog

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One verification."""

    open_log: OpenLog
    directory: Path
    """Where the ledgers are; nobody else may use them meanwhile."""
    processes: Executor
    database_url: str | None = None
    """The read side; None: stores alone."""
    open_store: OpenStore | None = None
    """None: the read side alone."""
    partition: int | None = None
    """The only one that is verified; None: all."""
    from_start: bool = False
    progress: Callable[[int, int], None] = lambda _done, _total: None
    """Told how many journal offsets are folded, of how many."""

    async def call(self, task: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Do it in one of the processes."""
        work = self.processes.submit(task, *args, **kwargs)
        return await asyncio.wrap_future(work)
