"""The engine in one process: the actors of the partitions it owns, the catalogue's owner and the dispatcher.

On the embedded log it owns every partition from `open` to `stop`. On Kafka a consumer group says which, and that
changes while it runs (`streams.owned_partitions`).
"""

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
from streams.breaker import DRAIN_PER_SECOND
from streams.catalogue_feed import CatalogueFeed
from streams.catalogue_owner import CatalogueOwner
from streams.dispatcher import Dispatcher
from streams.metrics import EngineMetrics
from streams.outcome_post import OutcomePost
from streams.owned_partitions import OwnedPartitions, Parts, Seek
from streams.pace import Pace
from streams.partition_settings import PartitionSettings
from streams.secrets import NO_SECRETS, Secrets
from streams.stuck_watch import StuckWatch

_log = structlog.get_logger(__name__)


class EngineHost:
    """Owns partitions of a log. Its `take_*` methods are the agents' handlers."""

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
        metrics: EngineMetrics | None = None,
        secrets: Secrets = NO_SECRETS,
        drain_per_second: float = DRAIN_PER_SECOND,
    ) -> None:
        """Put the parts together; nothing runs before `open` (or `catch_up`) and `start`.

        Args:
            log: where inputs come from and the journal goes to.
            partitions: how many there are.
            clock: the engine's time.
            compile_: makes a workflow of a definition's document.
            actions: who serves which step type.
            settings: what each partition needs to know.
            on_crash: told when a part fails; the process must then end and start again from the log.
            slots: calls at once by channel.
            metrics: what the actors and the dispatcher tell; None: nobody asks.
            secrets: what references in requests stand for.
            drain_per_second: calls a second of a channel whose provider was down, until it has caught up.
        """
        self._log, self._partitions, self._clock, self._settings = log, partitions, clock, settings
        self._on_crash, self._compile = on_crash, compile_
        self._feed, self._metrics = CatalogueFeed(log, compile_), metrics or EngineMetrics()
        scale, attempted = settings.time_scale, self._metrics.attempted
        self.dispatcher = Dispatcher(
            actions,
            clock,
            report=self._report,
            slots=slots,
            time_scale=scale,
            secrets=secrets,
            ended=attempted,
            more_room=self._nudge_all,
            drain_per_second=drain_per_second,
            pace=Pace(settings.per_second, clock, time_scale=scale),
        )
        self._post = OutcomePost(log, partitions)
        self._seek: Seek = _no_seek
        self.owned = OwnedPartitions(
            log,
            settings,
            Parts(
                new_actor=self._new_actor,
                new_owner=self._new_owner,
                spawn=self._spawn,
                post=self._post.send,
                seek=self._seek_input,
            ),
        )
        self.actors = self.owned.actors
        self._background: tuple[asyncio.Task[None], ...] = ()
        self.clock_trusted = True
        """Whether the clock is near enough to the brokers' for anything to be decided."""

    # ------------------------------------------------------------ life

    async def open(self) -> None:
        """Own every partition: fence, fold and catch up. After this each knows all that its journal says."""
        await self.owned.open(range(self._partitions))

    async def catch_up(self) -> None:
        """Know the catalogue, and own nothing yet: for a host whose partitions `own` gives and takes."""
        await self._feed.catch_up()

    def start(self, seek: Seek) -> None:
        """Let the actors work; `seek(topic, partition, offset)` makes the inputs be read again from there."""
        self._seek = seek
        watch = StuckWatch(self, self._feed, self._log, self._clock, self._settings, self._metrics)
        self._background = (self._spawn(self._feed.run()), self._spawn(watch.run()))
        self.owned.start()

    def release(self) -> None:
        """Let handlers that wait for room go, so that the agents can stop; what they hold is read again."""
        self.owned.release()

    async def stop(self, timeout_s: float) -> None:
        """Stop cleanly: finish what is in hand, let calls in flight end and report, close the stores."""
        await self.owned.end()
        left = await self.dispatcher.drain(timeout_s)
        await self.owned.close()
        await self._post.finish()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        _log.info("engine.stopped", calls_given_up=left)

    # ------------------------------------------------------------ what comes in

    def start_position(self, topic: str, partition: int) -> int | None:
        """Where reading an input goes on; None where it is not this host's to read."""
        if topic == DEFINITION_COMMANDS:
            return self.owned.catalogue_owner.position if self.owned.catalogue_owner else None
        actor = self.actors.get(partition)
        return actor.position(topic) if actor and actor.is_open else None

    async def take_input(self, batch: Batch) -> None:
        """Handler of contact events and commands: hand the batch to its partition (if it is not ours, it is not lost)."""
        actor = self.actors.get(batch.partition)
        if actor is not None:
            await actor.take(batch)

    async def take_definition_commands(self, batch: Batch) -> None:
        """Handler of definition commands."""
        if self.owned.catalogue_owner is not None:
            await self.owned.catalogue_owner.take(batch)

    @property
    def last_time_ms(self) -> int:
        """The latest engine time in any partition's journal."""
        return max((actor.last_time_ms for actor in self.actors.values()), default=0)

    def trust_clock(self, trusted: bool) -> None:
        """Decide nothing while the worker's clock is wrong."""
        self.clock_trusted = trusted
        for actor in self.actors.values():
            actor.trust_clock(trusted)

    def _new_actor(self, partition: int) -> PartitionActor:
        actor = PartitionActor(
            partition,
            log=self._log,
            feed=self._feed,
            dispatcher=self.dispatcher,
            clock=self._clock,
            settings=self._settings,
            seek=self._seek_input,
            metrics=self._metrics,
            speaks_of=self._speaks_of,
        )
        actor.trust_clock(self.clock_trusted)
        return actor

    def _new_owner(self) -> CatalogueOwner:
        return CatalogueOwner(self._log, self._feed, self._compile, self._clock, self._seek_input)

    def _speaks_of(self, channel: str, partition: int) -> bool:
        """One partition of the worker speaks of a channel: the one that does already, or else the first."""
        told = [actor.partition for actor in self.actors.values() if actor.is_open and channel in actor.paused_channels]
        return not told and partition == min(self.actors, default=partition)

    def _nudge_all(self) -> None:
        for actor in self.actors.values():
            actor.nudge()

    def _report(self, outcome: ReportOutcome) -> None:
        actor = self.actors.get(home_partition(outcome.contact_id, self._partitions))
        if actor is None or self.owned.leaving:
            self._post.send([outcome])
        else:
            actor.report(outcome)
        self._nudge_all()  # the slot that became free may be for any of them

    def _seek_input(self, topic: str, partition: int, offset: int) -> None:
        self._seek(topic, partition, offset)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.critical("engine.crashed", error=repr(error))
            self._on_crash(error)


def _no_seek(topic: str, partition: int, offset: int) -> None:
    message = f"the inputs are not being read yet: cannot go back to {topic}/{partition}@{offset}"
    raise RuntimeError(message)
