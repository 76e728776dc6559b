"""The engine in one process: the actors of the partitions it owns, the catalogue's owner and the dispatcher."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from domain.action import ActionRegistry
from domain.catalogue import Compile
from domain.clock import Clock
from domain.command import ReportOutcome
from domain.partition import home_partition
from schemas.event_log import EventLog
from schemas.topics import DEFINITION_COMMANDS
from streams.actor import PartitionActor
from streams.batch import Batch
from streams.catalogue_feed import CatalogueFeed
from streams.catalogue_owner import CatalogueOwner
from streams.dispatcher import Dispatcher
from streams.partition_settings import PartitionSettings

_log = structlog.get_logger(__name__)


class EngineHost:
    """Owns every partition of a log. Its `take_*` methods are the agents' handlers."""

    def __init__(
        self,
        log: EventLog,
        *,
        partitions: int,
        clock: Clock,
        compile_: Compile,
        actions: ActionRegistry,
        settings: PartitionSettings,
        on_crash: Callable[[BaseException], None],
        slots: Mapping[str, int] | None = None,
    ) -> None:
        """Put the parts together; nothing runs before `open` and `start`.

        Args:
            log: where inputs come from and the journal goes to.
            partitions: how many there are.
            clock: the engine's time.
            compile_: makes a workflow of a definition's document.
            actions: who serves which step type.
            settings: what each partition needs to know.
            on_crash: told once when a part fails; the process must then end and start again from the log.
            slots: calls at once by channel.
        """
        self._partitions = partitions
        self._on_crash = on_crash
        self._feed = CatalogueFeed(log, compile_)
        self._owner = CatalogueOwner(log, self._feed, compile_, clock)
        self.dispatcher = Dispatcher(actions, clock, report=self._report, slots=slots, time_scale=settings.time_scale)
        self._seek: Callable[[str, int, int], None] = _no_seek
        self.actors = [
            PartitionActor(
                partition,
                log=log,
                feed=self._feed,
                dispatcher=self.dispatcher,
                clock=clock,
                settings=settings,
                seek=self._seek_input,
            )
            for partition in range(partitions)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Fence, fold and catch up: after this every partition knows all that its journal says."""
        await self._owner.open()
        await asyncio.gather(*(actor.open() for actor in self.actors))

    def start_position(self, topic: str, partition: int) -> int:
        """Where reading an input goes on."""
        if topic == DEFINITION_COMMANDS:
            return self._owner.position
        return self.actors[partition].position(topic)

    def start(self, seek: Callable[[str, int, int], None]) -> None:
        """Let the actors work; `seek(topic, partition, offset)` makes the inputs be read again from there."""
        self._seek = seek
        self._spawn(self._feed.run())
        for actor in self.actors:
            self._spawn(actor.run())

    @property
    def last_time_ms(self) -> int:
        """The latest engine time in any partition's journal."""
        return max(actor.last_time_ms for actor in self.actors)

    def release(self) -> None:
        """Let handlers that wait for room go, so that the agents can stop; what they hold is read again."""
        for actor in self.actors:
            actor.stop()

    async def take_input(self, batch: Batch) -> None:
        """Handler of contact events and commands: hand the batch to its partition."""
        await self.actors[batch.partition].take(batch)

    async def take_definition_commands(self, batch: Batch) -> None:
        """Handler of definition commands."""
        await self._owner.take(batch)

    async def stop(self, timeout_s: float) -> None:
        """Stop cleanly: finish what is in hand, let calls in flight end and report, close the stores."""
        for actor in self.actors:
            actor.stop()
        actor_tasks, feed_tasks = self._tasks[1:], self._tasks[:1]
        await asyncio.gather(*actor_tasks, return_exceptions=True)
        left = await self.dispatcher.drain(timeout_s)
        for actor in self.actors:
            await actor.settle()
            await actor.close()
        await self._owner.close()
        for task in feed_tasks:
            task.cancel()
        await asyncio.gather(*feed_tasks, return_exceptions=True)
        _log.info("engine.stopped", calls_given_up=left)

    def _report(self, outcome: ReportOutcome) -> None:
        home = home_partition(outcome.contact_id, self._partitions)
        self.actors[home].report(outcome)
        for actor in self.actors:  # the slot that became free may be for any of them
            actor.nudge()

    def _seek_input(self, topic: str, partition: int, offset: int) -> None:
        self._seek(topic, partition, offset)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.critical("engine.crashed", error=repr(error))
            self._on_crash(error)


def _no_seek(topic: str, partition: int, offset: int) -> None:
    message = f"the inputs are not being read yet: cannot go back to {topic}/{partition}@{offset}"
    raise RuntimeError(message)
