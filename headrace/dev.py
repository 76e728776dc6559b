"""`headrace dev`: the whole of Headrace on this machine, with a provider sandbox instead of real providers."""

import asyncio
import contextlib
import importlib
import shutil
import signal
import sys
import time
from collections.abc import Callable

from headrace.dev_options import DevOptions
from headrace.engine_clock import EngineClock
from headrace.interpreter import tune_interpreter
from headrace.logging import configure_logging
from projections.postgres import EmbeddedPostgres
from streams.data_directory import DataDirectory


def run_dev(options: DevOptions) -> int:
    """Run until Ctrl-C or SIGTERM; returns the process's exit code (1 when a part crashed)."""
    configure_logging(level=options.log_level, form=options.log_format)
    tune_interpreter()
    if options.kafka is not None:
        _say("HEADRACE_KAFKA is set, and `headrace dev` runs on its embedded log all the same; see `headrace worker`")
    with asyncio.Runner() as runner:
        return runner.run(_run(options, time.monotonic()))


async def _run(options: DevOptions, started_at: float) -> int:
    stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def finish(code: int) -> None:
        if not stop.done():
            stop.set_result(code)

    def on_crash(error: BaseException) -> None:
        _say(f"headrace stopped: {error}\nNothing is lost: start it again and it goes on from its log.")
        finish(1)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, finish, 0)
    async with contextlib.AsyncExitStack() as stack:
        await _start(options, stack, on_crash, started_at)
        code = await stop
        if code == 0:
            _say("stopping; calls in flight may finish ...")
    return code


async def _start(
    options: DevOptions,
    stack: contextlib.AsyncExitStack,
    on_crash: Callable[[BaseException], None],
    started_at: float,
) -> None:
    own_directory(options, stack)
    postgres = EmbeddedPostgres()
    stack.callback(postgres.stop)  # the first to start is the last to stop
    database = asyncio.create_task(asyncio.to_thread(open_database, options, postgres))
    try:
        parts = await asyncio.to_thread(importlib.import_module, "headrace.dev_parts")  # slow, while Postgres starts
        await parts.start(options, stack, EngineClock(options.time_scale), database, on_crash, started_at)
    finally:
        await asyncio.wait({database})


def own_directory(options: DevOptions, stack: contextlib.AsyncExitStack) -> None:
    """Take the data directory for this process alone; `--fresh` empties it."""
    directory = DataDirectory.acquire(options.data_dir, url=f"http://{options.host}:{options.port}")
    stack.callback(directory.release)
    if options.fresh:
        for part in ("log", "store", "verify", "postgres", "inbox.jsonl"):
            path = options.data_dir / part
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def open_database(options: DevOptions, postgres: EmbeddedPostgres) -> str:
    """The read side's database, migrated: the one that is set, else the embedded one. Blocks; gives its URL."""
    url = options.database_url
    address = url.get_secret_value() if url is not None else postgres.start(options.data_dir / "postgres")
    from projections.migrations import migrate  # noqa: PLC0415 slow, while Postgres starts

    migrate(address)
    return address


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
