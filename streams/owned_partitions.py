"""The partitions that this process owns, and the catalogue if it does: given and taken while it runs.

`hold` before each change, `own` after it, `leave` at the end (`streams.ownership` says when).
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any

import msgspec

from domain.command import ReportOutcome
from schemas.event_log import EventLog
from streams.actor import PartitionActor
from streams.catalogue_owner import CatalogueOwner
from streams.fencing import Fencing
from streams.partition_settings import PartitionSettings
from streams.standby import Standbys

Seek = Callable[[str, int, int], None]
"""Makes an input (topic, partition) be read again, or on, from an offset."""


class Parts(msgspec.Struct, frozen=True):
    """What it takes to own partitions."""

    new_actor: Callable[[int], PartitionActor]
    new_owner: Callable[[], CatalogueOwner]
    """Makes the catalogue's owner."""
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    """Runs it, and has the process end when it fails."""
    post: Callable[[Iterable[ReportOutcome]], None]
    """Sends outcomes to who owns their contacts' partitions now."""
    seek: Seek


class OwnedPartitions:
    """Opens, keeps and gives up. What is given up and then followed, and the other way round, keeps its store open."""

    def __init__(self, log: EventLog, settings: PartitionSettings, parts: Parts) -> None:
        """Own nothing yet.

        Args:
            log: where the journals are.
            settings: where stores are, and which inputs there are.
            parts: the rest.
        """
        self._parts, self._inputs = parts, settings.topics.inputs
        self.actors: dict[int, PartitionActor] = {}
        self.catalogue_owner: CatalogueOwner | None = None
        self.standbys = Standbys(log, settings, self)
        self._tasks: dict[PartitionActor, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._fencing = Fencing()
        self._holds = 0  # how often `hold` was called: what was found out before the last time holds no more
        self._held = False
        self._change: asyncio.Future[Any] | None = None  # partitions that are being given up and opened
        self.leaving = False
        """Whether others may own all of it already."""

    async def open(self, partitions: Collection[int]) -> None:
        """Own these and the catalogue from the start: fence, fold and catch up; nothing runs yet."""
        self.catalogue_owner = self._parts.new_owner()
        await self.catalogue_owner.open()
        actors = [self._parts.new_actor(number) for number in partitions]
        await asyncio.gather(*(actor.open() for actor in actors))
        self.actors.update({actor.partition: actor for actor in actors})

    def start(self) -> None:
        """Let what was opened work."""
        for actor in self.actors.values():
            self._tasks[actor] = self._parts.spawn(actor.run())

    def release(self) -> None:
        """Let handlers that wait for room go; what they hold is read again."""
        for actor in self.actors.values():
            actor.stop()

    async def end(self) -> None:
        """Finish what is in hand, and let nothing run any more."""
        self.release()
        if self.leaving:  # the actors are held, and will not go on
            for task in self._tasks.values():
                task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """After `end`: take in what calls reported meanwhile, unless others own it, and close the stores."""
        for actor in self.actors.values():
            if not self.leaving:
                await actor.settle()
            await actor.close()
        await asyncio.gather(*self._closing, self.standbys.close())
        if self.catalogue_owner is not None:
            await self.catalogue_owner.close()

    async def hold(self) -> None:
        """Finish the transactions in hand and begin none, until `own` says what is still ours."""
        self._holds += 1
        self._held = True
        await self._fencing.over()  # an owner that is just being opened must not fence the next one
        if self.catalogue_owner is not None:
            await self.catalogue_owner.hold()
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
            if not self.leaving:
                raise

    async def _bring_about(
        self, partitions: Collection[int], catalogue: bool, membership: bytes, standby: Collection[int]
    ) -> None:
        turn = self._holds
        kept = [actor for partition, actor in self.actors.items() if partition in partitions]
        for actor in kept:
            actor.join(membership)
            actor.go_on()
        if catalogue and self.catalogue_owner is not None:
            self.catalogue_owner.join(membership)
            self.catalogue_owner.go_on()
        new, left = set(partitions).difference(self.actors), set(self.actors).difference(partitions)
        changes = [self._open_partition(number, membership, turn) for number in new]
        changes += [self._give_up(number) for number in left]
        if catalogue and self.catalogue_owner is None:
            changes.append(self._open_owner(membership, turn))
        if self.catalogue_owner is not None and not catalogue:
            owner, self.catalogue_owner = self.catalogue_owner, None
            changes.append(owner.close())
        await asyncio.gather(*changes)
        if turn == self._holds:
            await self.standbys.follow(standby, owned=partitions)
            self._held = False

    async def leave(self) -> None:
        """Finish what is in hand and write nothing more: others may take over. Calls in flight go on until `stop`."""
        self.leaving = True
        if self._change is not None:
            self._change.cancel()  # what is being opened is not ours any more
            await asyncio.gather(self._change, return_exceptions=True)
        await self.hold()
        self._parts.post(outcome for actor in self.actors.values() for outcome in actor.unheard())

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
        actor = self._parts.new_actor(partition)
        if await self._fence(actor, membership, turn):
            self.actors[partition] = actor
            self._tasks[actor] = self._parts.spawn(self._fold_and_run(actor))

    async def _open_owner(self, membership: bytes, turn: int) -> None:
        owner = self._parts.new_owner()
        if await self._fence(owner, membership, turn):
            self.catalogue_owner = owner
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
        for topic in self._inputs:
            self._parts.seek(topic, actor.partition, actor.position(topic))
        await actor.begin()
        await actor.run()

    async def _give_up(self, partition: int) -> None:
        actor = self.actors.pop(partition)
        task = self._tasks.pop(actor, None)
        if task is not None:
            task.cancel()  # it is held, so no transaction is cut short; a fold goes on where it was, if it comes back
            await asyncio.gather(task, return_exceptions=True)
        self._parts.post(actor.unheard())
        if (store := actor.let_go()) is not None:
            self.standbys.adopt(partition, store)
        self._closing.add(closing := self._parts.spawn(actor.close()))
        closing.add_done_callback(self._closing.discard)
