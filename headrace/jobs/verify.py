"""The job `verify`: prove that the fold of the journal, the stores of this machine and the read side say the same."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec

from headrace.jobs.context import JobContext
from headrace.jobs.message import Report
from headrace.jobs.refusal import Refused
from headrace.jobs.workers import Workers, default_workers, worker_pool
from projections.verify.plan import Plan
from projections.verify.verification import verify
from streams.data_directory import DataDirectory, DataDirectoryInUse
from streams.store_snapshot import open_store_snapshot

_LEDGERS: Final = "verify"
_LEDGERS_OF_STORES: Final = "verify-stores"
"""Stores are ahead of the read side, so who verifies them alone has ledgers of its own."""


_PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.1


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be verified."""

    from_start: bool = False
    """Fold the journal from its start, instead of from where the last verification stood."""
    partition: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """This partition alone."""
    workers: Workers = None
    stores_only: bool = False
    """The stores of this machine, and not the read side."""


async def run(request: Request, context: JobContext) -> Report:
    """Verify; the report is not `ok` when anything differs."""
    directory = context.data_dir / (_LEDGERS_OF_STORES if request.stores_only else _LEDGERS)
    with await _alone_in(directory), _processes(request.workers or default_workers()) as processes:
        report = await verify(
            Plan(
                open_log=context.open_log,
                directory=directory,
                processes=processes,
                database_url=None if request.stores_only else context.database_url,
                open_store=partial(open_store_snapshot, context.data_dir / "store"),
                partition=request.partition,
                from_start=request.from_start,
                progress=context.progress,
            )
        )
    return Report(report, ok=report.ok)


async def _alone_in(directory: Path) -> DataDirectory:
    """The ledgers for this verification alone, once another one (which may be the scheduled one) is through."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return DataDirectory.acquire(directory)
        except DataDirectoryInUse as error:
            if time.monotonic() > deadline:
                message = "another verification is under way, and takes long; try again when it has ended"
                raise Refused(message, code="verify_under_way", status=409) from error
        await asyncio.sleep(_POLL_S)


@contextlib.contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that do nothing more once one of them has failed."""
    pool = worker_pool(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
