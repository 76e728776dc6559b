"""A backtest spread over processes, one partition at a time each; small ones are done in place."""

import asyncio
import contextlib
import mmap
import struct
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from headrace.compiling import compile_document
from headrace.interpreter import tune_interpreter
from headrace.jobs.context import JobContext
from headrace.jobs.workers import default_workers, worker_pool
from headrace.plug_ins import load_plug_ins
from projections.backtest.definitions import Definitions
from projections.backtest.partition import backtest_partition
from projections.backtest.plan import Plan, Result
from schemas.event_log import LogReader, OpenLog
from schemas.topics import JOURNAL

_SMALL: Final = 50_000
"""Journal events that are replayed sooner than another process has started."""
_LOOK_EVERY_S: Final = 0.25
_PLACE: Final = struct.Struct("<q")


async def replay_partitions(
    log: LogReader, plan: Plan, definitions: Definitions, context: JobContext, *, workers: int | None
) -> list[Result]:
    """The results of all partitions."""
    partitions = range(await log.partitions(JOURNAL))
    ends = {number: await log.end_offset(JOURNAL, number) for number in partitions}
    total = 2 * sum(ends.values())  # each event is read twice
    count = min(workers or default_workers(), len(partitions))
    if count == 1 or (total < _SMALL and workers is None):
        done = dict.fromkeys(partitions, 0)

        def tell(number: int, position: int) -> None:
            done[number] = position
            context.progress(sum(done.values()), total)

        return [
            await backtest_partition(log, number, plan, definitions, compile_document, partial(tell, number))
            for number in partitions
        ]
    largest_first = sorted(partitions, key=lambda number: -ends[number])
    with _shared_progress(len(partitions)) as (path, how_far), worker_pool(count) as pool:
        loop = asyncio.get_running_loop()
        work = [
            loop.run_in_executor(pool, _in_worker, context.open_log, number, plan, definitions, path)
            for number in largest_first
        ]
        try:
            pending = set(work)
            while pending:
                finished, pending = await asyncio.wait(
                    pending, timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_EXCEPTION
                )
                context.progress(how_far(), total)
                for one in finished:
                    one.result()  # the first failure ends it all
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [one.result() for one in work]


def _in_worker(open_log: OpenLog, number: int, plan: Plan, definitions: Definitions, progress: Path) -> Result:
    tune_interpreter()
    load_plug_ins()
    return asyncio.run(_replay(open_log, number, plan, definitions, progress))


async def _replay(open_log: OpenLog, number: int, plan: Plan, definitions: Definitions, progress: Path) -> Result:
    with progress.open("r+b") as file, mmap.mmap(file.fileno(), 0) as places:

        def tell(position: int) -> None:
            _PLACE.pack_into(places, number * _PLACE.size, position)

        async with open_log() as log:
            return await backtest_partition(log, number, plan, definitions, compile_document, tell)


@contextlib.contextmanager
def _shared_progress(partitions: int) -> Iterator[tuple[Path, Callable[[], int]]]:
    """A file in which each worker writes how far it is; and the sum of it."""
    with tempfile.NamedTemporaryFile(prefix="headrace-backtest-") as file:
        file.write(bytes(partitions * _PLACE.size))
        file.flush()
        with mmap.mmap(file.fileno(), 0) as places:
            yield Path(file.name), lambda: sum(found for (found,) in _PLACE.iter_unpack(places[:]))
