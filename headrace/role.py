"""A role as a process of its own: it runs until SIGTERM or Ctrl-C, stops cleanly, and ends at once when it crashes."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import uvloop

from domain.errors import HeadraceError
from headrace.interpreter import tune_interpreter
from headrace.logging import configure_logging
from headrace.settings import Settings

CRASHED: Final = 1
STOP_MAY_TAKE_S: Final = 25.0
"""Longer than calls to providers may take. With the brokers away nobody can be told, and supervisors kill after half a minute."""
_log = structlog.get_logger(__name__)

Start = Callable[[contextlib.AsyncExitStack, Callable[[BaseException], None]], Awaitable[None]]
"""Starts the role's parts, and leaves on the stack what stops them; its other argument ends the process."""


class NeedsKafka(HeadraceError):
    """Roles of their own need Kafka: set HEADRACE_KAFKA to its bootstrap servers; `headrace dev` needs none, all in one process."""


class NeedsDatabase(HeadraceError):
    """The read side needs a Postgres that the roles share: set HEADRACE_DATABASE_URL."""


class OnlyInDev(HeadraceError):
    """A setting that only `headrace dev` has."""


class StopTookTooLong(HeadraceError):
    """Told to stop, and something did not end; nothing is lost, and others take over as after a crash."""


class Interrupted(HeadraceError):
    """Told to stop, and interrupted while it stopped; nothing is lost, and others take over as after a crash."""


def need_kafka(settings: Settings) -> None:
    """Refuse what a role of its own can't run with.

    Raises:
        NeedsKafka: HEADRACE_KAFKA is not set.
        OnlyInDev: engine time is to run faster than the clock.
    """
    if settings.kafka is None:
        raise NeedsKafka
    if settings.time_scale != 1:
        message = (
            "HEADRACE_TIME_SCALE is for `headrace dev` only: beside it, engine time is the brokers' time; unset it"
        )
        raise OnlyInDev(message)


def database_of(settings: Settings) -> str:
    """The URL of the read side's database.

    Raises:
        NeedsDatabase: it is not set.
    """
    if settings.database_url is None:
        raise NeedsDatabase
    return settings.database_url.get_secret_value()


def run_role(name: str, settings: Settings, start: Start) -> int:
    """Run until SIGTERM or Ctrl-C; gives the exit code."""
    configure_logging(level=settings.log_level, form=settings.log_format)
    tune_interpreter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_run(name, start))
    gc.collect()  # Kafka clients in reference cycles would else end with the interpreter, which takes them seconds
    return code


async def _run(name: str, start: Start) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, _interrupted, stop)
    async with contextlib.AsyncExitStack() as stack:
        starting = asyncio.ensure_future(start(stack, crash))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():  # told to stop while it started: what runs is stopped again
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        else:
            await starting
            _log.info("role.started", role=name)
            await stopping
        _log.info("role.stopping", role=name)
        loop.call_later(STOP_MAY_TAKE_S, crash, StopTookTooLong())
    _log.info("role.stopped", role=name)
    return 0


def _interrupted(stop: asyncio.Event) -> None:
    """Ctrl-C; the second one ends at once: whoever waits at a terminal, for a call or for brokers that are away, may give up."""
    if stop.is_set():
        crash(Interrupted())
    stop.set()


def crash(error: BaseException) -> None:
    """Leave at once: nothing that this process still does may count. Its supervisor starts it again, from the log."""
    try:
        _log.critical("role.crashed", error=type(error).__name__, reason=str(error), code=CRASHED)
        logging.shutdown()
    finally:
        os._exit(CRASHED)
