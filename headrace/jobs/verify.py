"""The job `verify`: prove that the fold of the journal, the stores of this machine and the read side say the same."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec

from headrace.jobs.context import JobContext
from headrace.jobs.message import Report
from headrace.jobs.refusal import Refused
from headrace.jobs.workers import default_workers, worker_pool
from projections.verify.plan import Plan
from projections.verify.verification import verify
from streams.data_directory import DataDirectory, DataDirectoryInUse
from streams.store_snapshot import open_store_snapshot

_LEDGERS: Final = "verify"
_LEDGERS_OF_STORES: Final = "verify-stores"
"""Stores are ahead of the read side, so who verifies them alone has ledgers of its own."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be verified."""

    from_start: bool = False
    """Fold the journal from its start, instead of from where the last verification stood."""
    partition: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """This partition alone."""
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] | None = None
    """Processes that share the work; as many as there are processors."""
    stores_only: bool = False
    """The stores of this machine, and not the read side."""


async def run(request: Request, context: JobContext) -> Report:
    """Verify; the report is not `ok` when anything differs."""
    directory = context.data_dir / (_LEDGERS_OF_STORES if request.stores_only else _LEDGERS)
    with _alone_in(directory), _processes(request.workers or default_workers()) as processes:
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


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """One verification at a time works on the ledgers."""
    try:
        lock = DataDirectory.acquire(directory)
    except DataDirectoryInUse as error:
        message = "another verification is under way (it may be the scheduled one); wait for its end"
        raise Refused(message, code="verify_under_way", status=409) from error
    with lock:
        yield


@contextlib.contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that do nothing more once one of them has failed."""
    pool = worker_pool(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
