"""The engine in one process: the actors of the partitions it owns, the catalogue's owner and the dispatcher.

On the embedded log it owns every partition from `open` to `stop`. On Kafka a consumer group says which, and that
changes while it runs: `hold` before each change, `own` after it (`streams.ownership`).
"""

# over 300 lines because what owns partitions, from the first fence to a clean stop, is read in one place

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
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
from streams.fencing import Fencing
from streams.metrics import EngineMetrics
from streams.outcome_post import OutcomePost
from streams.pace import Pace
from streams.partition_settings import PartitionSettings
from streams.secrets import NO_SECRETS, Secrets
from streams.standby import Standbys
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
        self._seek: Callable[[str, int, int], None] = _no_seek
        self.actors: dict[int, PartitionActor] = {}
        self.standbys = Standbys(log, settings, self)
        self._owner: CatalogueOwner | None = None
        self._tasks: dict[PartitionActor, asyncio.Task[None]] = {}
        self._background: tuple[asyncio.Task[None], ...] = ()
        self._closing: set[asyncio.Task[None]] = set()
        self._fencing = Fencing()
        self._holds = 0  # how often `hold` was called: what was found out before the last time holds no more
        self._held = False
        self._change: asyncio.Future[Any] | None = None  # partitions that are being given up and opened
        self._leaving = False
        self.clock_trusted = True
        """Whether the clock is near enough to the brokers' for anything to be decided."""

    # ------------------------------------------------------------ life

    async def open(self) -> None:
        """Own every partition: fence, fold and catch up. After this each knows all that its journal says."""
        self._owner = self._new_owner()
        await self._owner.open()
        actors = [self._new_actor(partition) for partition in range(self._partitions)]
        await asyncio.gather(*(actor.open() for actor in actors))
        self.actors = {actor.partition: actor for actor in actors}

    async def catch_up(self) -> None:
        """Know the catalogue, and own nothing yet: for a host whose partitions `own` gives and takes."""
        await self._feed.catch_up()

    def start(self, seek: Callable[[str, int, int], None]) -> None:
        """Let the actors work; `seek(topic, partition, offset)` makes the inputs be read again from there."""
        self._seek = seek
        watch = StuckWatch(self, self._feed, self._log, self._clock, self._settings, self._metrics)
        self._background = (self._spawn(self._feed.run()), self._spawn(watch.run()))
        for actor in self.actors.values():
            self._tasks[actor] = self._spawn(actor.run())

    def release(self) -> None:
        """Let handlers that wait for room go, so that the agents can stop; what they hold is read again."""
        for actor in self.actors.values():
            actor.stop()

    async def stop(self, timeout_s: float) -> None:
        """Stop cleanly: finish what is in hand, let calls in flight end and report, close the stores."""
        self.release()
        if self._leaving:  # the actors are held, and will not go on
            for task in self._tasks.values():
                task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        left = await self.dispatcher.drain(timeout_s)
        for actor in self.actors.values():
            if not self._leaving:
                await actor.settle()
            await actor.close()
        await asyncio.gather(*self._closing, self.standbys.close())
        await self._post.finish()
        if self._owner is not None:
            await self._owner.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        _log.info("engine.stopped", calls_given_up=left)

    # ------------------------------------------------------------ ownership

    async def hold(self) -> None:
        """Finish the transactions in hand and begin none, until `own` says what is still ours."""
        self._holds += 1
        self._held = True
        await self._fencing.over()  # an owner that is just being opened must not fence the next one
        if self._owner is not None:
            await self._owner.hold()
        await asyncio.gather(*(actor.hold() for actor in self.actors.values()))

    async def own(
        self, partitions: Collection[int], *, catalogue: bool, membership: bytes, standby: Collection[int] = ()
    ) -> None:
        """Own exactly these partitions, as this member of the consumer group; call it after `hold`.

        Those that left are given up (calls in flight go on), those that are kept go on at once, new ones are fenced
        side by side. Folding is not waited for: a partition is read from when its journal is folded, so a long one holds
        up no other. When `hold` is called meanwhile, nothing more is begun: the next `own` goes on.

        Args:
            partitions: all that are owned from now on.
            catalogue: whether the catalogue is.
            membership: which member of the group commits.
            standby: partitions of others whose journals are followed from now on.
        """
        self._change = asyncio.ensure_future(self._bring_about(partitions, catalogue, membership, standby))
        try:
            await self._change
        except asyncio.CancelledError:
            if not self._leaving:
                raise

    async def _bring_about(
        self, partitions: Collection[int], catalogue: bool, membership: bytes, standby: Collection[int]
    ) -> None:
        turn = self._holds
        kept = [actor for partition, actor in self.actors.items() if partition in partitions]
        for actor in kept:
            actor.join(membership)
            actor.go_on()
        if catalogue and self._owner is not None:
            self._owner.join(membership)
            self._owner.go_on()
        new, left = set(partitions).difference(self.actors), set(self.actors).difference(partitions)
        changes = [self._open_partition(number, membership, turn) for number in new]
        changes += [self._give_up(number) for number in left]
        if catalogue and self._owner is None:
            changes.append(self._open_owner(membership, turn))
        if self._owner is not None and not catalogue:
            owner, self._owner = self._owner, None
            changes.append(owner.close())
        await asyncio.gather(*changes)
        if turn == self._holds:
            await self.standbys.follow(standby, owned=partitions)
            self._held = False

    async def leave(self) -> None:
        """Finish what is in hand and write nothing more: others may take over. Calls in flight go on until `stop`."""
        self._leaving = True
        if self._change is not None:
            self._change.cancel()  # what is being opened is not ours any more
            await asyncio.gather(self._change, return_exceptions=True)
        await self.hold()
        self._post.send(outcome for actor in self.actors.values() for outcome in actor.unheard())

    @property
    def all_open(self) -> bool:
        """Whether no partition's journal is still being folded."""
        return all(actor.is_open for actor in self.actors.values())

    @property
    def unsettled(self) -> bool:
        """Whether partitions change hands just now, or are folded by their new owner."""
        return self._held or not self.all_open

    @property
    def behind(self) -> bool:
        """Whether any partition has more input in its queue than it takes in at once."""
        return any(actor.is_behind for actor in self.actors.values())

    @property
    def owns_any(self) -> bool:
        """Whether it owns any partition."""
        return bool(self.actors)

    async def _open_partition(self, partition: int, membership: bytes, turn: int) -> None:
        actor = self._new_actor(partition)
        if await self._fence(actor, membership, turn):
            self.actors[partition] = actor
            self._tasks[actor] = self._spawn(self._fold_and_run(actor))

    async def _open_owner(self, membership: bytes, turn: int) -> None:
        owner = self._new_owner()
        if await self._fence(owner, membership, turn):
            self._owner = owner
            await owner.catch_up()

    async def _fence(self, part: PartitionActor | CatalogueOwner, membership: bytes, turn: int) -> bool:
        """Become the owner, unless that is out of date."""
        if turn != self._holds:
            return False
        with self._fencing:
            await part.fence()
        part.join(membership)
        return True

    async def _fold_and_run(self, actor: PartitionActor) -> None:
        await actor.fold(await self.standbys.take(actor.partition))
        for topic in self._settings.topics.inputs:
            self._seek(topic, actor.partition, actor.position(topic))
        await actor.begin()
        await actor.run()

    async def _give_up(self, partition: int) -> None:
        actor = self.actors.pop(partition)
        task = self._tasks.pop(actor, None)
        if task is not None:
            task.cancel()  # it is held, so no transaction is cut short; a fold goes on where it was, if it comes back
            await asyncio.gather(task, return_exceptions=True)
        self._post.send(actor.unheard())
        if (store := actor.let_go()) is not None:
            self.standbys.adopt(partition, store)
        self._closing.add(closing := self._spawn(actor.close()))
        closing.add_done_callback(self._closing.discard)

    def start_position(self, topic: str, partition: int) -> int | None:
        """Where reading an input goes on; None where it is not this host's to read."""
        if topic == DEFINITION_COMMANDS:
            return self._owner.position if self._owner else None
        actor = self.actors.get(partition)
        return actor.position(topic) if actor and actor.is_open else None

    async def take_input(self, batch: Batch) -> None:
        """Handler of contact events and commands: hand the batch to its partition (if it is not ours, it is not lost)."""
        actor = self.actors.get(batch.partition)
        if actor is not None:
            await actor.take(batch)

    async def take_definition_commands(self, batch: Batch) -> None:
        """Handler of definition commands."""
        if self._owner is not None:
            await self._owner.take(batch)

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
        if actor is None or self._leaving:
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
