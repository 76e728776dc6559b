"""The Faust app: hosts the agents and gives each its batches. Only the composition root imports this: Faust is slow to.

Faust delivers, assigns partitions and runs the agents; it keeps no tables, commits nothing and serves no web page.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import faust
import structlog
from faust.app.base import BootStrategy
from faust.tables.manager import TableManager

from domain.errors import HeadraceError
from schemas.event_log import EventLog
from streams.batch import Batch
from streams.delivery import Delivery
from streams.embedded.transport import EmbeddedTransport
from streams.faust_logger import FAUST_LOGGER

_log = structlog.get_logger(__name__)
_NEVER_S = 86_400.0

Handler = Callable[[Batch], Awaitable[None]]
"""Takes one batch; the next of its topic and partition comes when it has returned."""


class HandlerCancelled(HeadraceError):
    """A handler was cancelled from within while its app was running, so what became of its batch is not known."""


class _Boot(BootStrategy):  # type: ignore[misc]
    enable_web = False
    enable_sensors = False


class _NoTables(TableManager):  # type: ignore[misc]
    logger = FAUST_LOGGER

    async def on_start(self) -> None:
        # Faust's own waits a second here for tables to be declared
        await self._update_channels()
        await self.recovery.start()


class _AsIs(faust.Schema):  # type: ignore[misc]
    """Batches are values already."""

    def loads_key(self, _app: Any, message: Any, **_options: Any) -> Any:
        return message.key

    def loads_value(self, _app: Any, message: Any, **_options: Any) -> Any:
        return message.value


class HeadraceApp(faust.App):  # type: ignore[misc]
    """A Faust app that tells its host why it can't go on, instead of restarting agents past a record."""

    BootStrategy = _Boot
    logger = FAUST_LOGGER

    def __init__(
        self,
        app_id: str,
        *,
        log: EventLog,
        delivery: Delivery,
        transport: Callable[["HeadraceApp"], Any],
        isolated_partitions: bool,
        **conf: Any,
    ) -> None:
        super().__init__(
            app_id,
            TableManager=_NoTables,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
            broker_commit_interval=_NEVER_S,
            **conf,
        )
        self.log_port, self.delivery = log, delivery
        self.isolated_partitions = isolated_partitions
        """Whether each partition has an agent of its own; else an agent hands all over and waits for none."""
        self.failure: BaseException | None = None
        self.transport = transport(self)

    def fail(self, error: BaseException) -> None:
        """Tell the host, once."""
        if self.failure is None:
            self.failure = error
            self.delivery.on_crash(error)

    def _crash(self, reason: BaseException) -> None:
        # where Faust's own services end when something in them broke
        super()._crash(reason)
        self.fail(reason)

    def _create_directories(self) -> None:
        """Faust's are for tables."""


def build_faust_app(*, app_id: str, log: EventLog, delivery: Delivery) -> HeadraceApp:
    """An app that delivers from an embedded log; register its agents, then run it by a `FaustHost`."""
    quiet("faust", "mode")
    return HeadraceApp(
        app_id,
        log=log,
        delivery=delivery,
        transport=lambda app: EmbeddedTransport(app, log, delivery, app.fail),
        isolated_partitions=True,
        broker="headrace://embedded",
    )


def quiet(*loggers: str) -> None:
    """Let libraries tell only what is wrong, unless somebody asked for more: at INFO they tell their whole life."""
    for name in loggers:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def register_agent(app: HeadraceApp, topic: str, handler: Handler) -> None:
    """Let `handler` take the batches of a topic, those of each partition in order, partitions side by side.

    When it raises, the partition's agent stands still, the batch is not skipped, and the app's host is told.
    """
    handle = partial(_handle, app, handler)

    async def agent(stream: Any) -> None:
        async for event in stream.events():
            await app.consumer.hand_over(event.value, handle)

    channel = app.topic(topic, schema=_AsIs(), acks=False)
    app.agent(channel, name=topic, isolated_partitions=app.isolated_partitions)(agent)


class _Way(Protocol):
    """What the batches of a partition come by; it knows which of them still count, and when there is room."""

    def is_current(self, batch: Batch) -> bool: ...
    def handled(self, batch: Batch) -> None: ...


async def _handle(app: HeadraceApp, handler: Handler, way: _Way, batch: Batch) -> None:
    try:
        if way.is_current(batch):
            await handler(batch)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        message = f"the handler of {batch.topic} was cancelled from within, at partition {batch.partition}, offset {batch.first}"
        failure = HandlerCancelled(message)
        failure.__cause__ = error
        await _stand_still(app, batch, failure)
    except Exception as error:  # noqa: BLE001 whatever it is, the host decides
        await _stand_still(app, batch, error)
    way.handled(batch)


async def _stand_still(app: HeadraceApp, batch: Batch, error: Exception) -> None:
    _log.error("agent.failed", topic=batch.topic, partition=batch.partition, first=batch.first, exc_info=error)
    app.fail(error)
    await asyncio.Event().wait()  # until the app stops and cancels this


class FaustHost:
    """Runs an app inside the loop that is running already: no worker, no signal handlers, no banner."""

    def __init__(self, app: HeadraceApp) -> None:
        self._app = app

    async def start(self) -> None:
        """Return when all agents get their batches; if it fails, nothing is left running.

        Raises:
            UnknownTopic: an agent's topic is not in the log.
        """
        for topic in self._app.agents:
            await self._app.log_port.partitions(topic)
        try:
            await self._app.start()
        except BaseException:
            await self.stop()
            raise
        if self._app.failure is not None:
            await self.stop()
            raise self._app.failure

    async def stop(self) -> None:
        """Deliver nothing more, cancel the handlers that are at work, and return when all is at rest."""
        await self._app.stop()

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Deliver the partition's records again, or on, from `offset`; what waits undelivered is dropped."""
        self._app.consumer.go_back(topic, partition, offset)
