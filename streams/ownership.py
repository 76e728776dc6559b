"""Ownership of partitions as a consumer group gives and takes it: what the engine does at each step of a rebalance.

The steps come in this order, and may begin anew at any time: revoked (all of them, before anybody knows which will
move), assigned, complete. Between the first and the last nothing is written. See docs/adr/0005-ownership.md.
"""

import time
from collections.abc import Callable, Collection
from typing import Final

import msgspec
import structlog

from domain.errors import HeadraceError
from schemas.topics import DEFINITION_COMMANDS, Topics
from streams.owned_partitions import OwnedPartitions

CATALOGUE: Final = (DEFINITION_COMMANDS, 0)
_log = structlog.get_logger(__name__)


class Expelled(HeadraceError):
    """The consumer group took this worker for dead and expelled it: others may own its partitions. Start it again."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What the group gave to this worker in one generation."""

    partitions: frozenset[int]
    """Those of which it has every input."""
    catalogue: bool
    standby: frozenset[int]
    """Those of others that it is to follow."""
    member_id: str
    metadata: bytes


class Ownership:
    """Brings what a process owns in line with what its consumer group says."""

    def __init__(self, owned: OwnedPartitions, topics: Topics) -> None:
        self._owned, self.topics = owned, topics
        self._assignment: Assignment | None = None
        self.member_id: str | None = None
        """Who this worker is to the group; None before it has joined."""
        self._leaving = False
        self._revoked_at = time.monotonic()
        self._over = False
        """Whether the last rebalance is over."""
        self._asked = False
        """Whether another one was asked for since."""
        self.ask_anew: Callable[[], None] = lambda: None
        """Asks the group to share out its partitions anew; set by who speaks with it."""
        owned.standbys.on_warm = self._ask_when_warm

    @property
    def settled(self) -> bool:
        """Whether the last rebalance is over, all that was assigned is owned, folded and read, and nothing is awaited."""
        return self._over and self._owned.all_open and not self.awaited

    @property
    def awaited(self) -> frozenset[int]:
        """Partitions that this worker gets when it is warm for them."""
        return self._owned.standbys.awaited

    @property
    def warm(self) -> frozenset[int]:
        """Partitions of others that this worker could take over at once; may be asked from any thread."""
        return self._owned.standbys.warm

    async def on_revoked(self, *, member_id: str) -> None:
        """Finish the transactions in hand, while the group still takes them, and begin none.

        Raises:
            Expelled: the group knows this worker no more, so what it owns may have another owner already.
        """
        self._check_member(member_id)
        self._assignment, self._over = None, False
        self._revoked_at = time.monotonic()
        await self._owned.hold()
        _log.debug("partitions.held", held=len(self._owned.actors), seconds=self._since_revoked())

    def on_assigned(
        self,
        assigned: Collection[tuple[str, int]],
        *,
        member_id: str,
        metadata: bytes,
        standby: frozenset[int] = frozenset(),
        awaited: frozenset[int] = frozenset(),
    ) -> None:
        """Learn what is ours in the new generation.

        Raises:
            Expelled: the group knows this worker as a new member, so what it owned may have had another owner since.
        """
        self._check_member(member_id)
        by_topic = [{number for topic, number in assigned if topic == name} for name in self.topics.inputs]
        self.member_id, self._owned.standbys.awaited = member_id, awaited
        self._assignment = Assignment(
            partitions=frozenset(set.intersection(*by_topic)),
            catalogue=CATALOGUE in assigned,
            standby=standby,
            member_id=member_id,
            metadata=metadata,
        )

    async def on_complete(self) -> None:
        """Own what was assigned; return when what was ready to be read before may be read again."""
        assignment = self._assignment
        if assignment is None or self._leaving:
            return
        before = set(self._owned.actors)
        await self._owned.own(
            assignment.partitions,
            catalogue=assignment.catalogue,
            membership=assignment.metadata,
            standby=assignment.standby,
        )
        if assignment is not self._assignment or self._leaving:
            return
        self._over, self._asked = True, False
        _log.info(
            "partitions.owned",
            owned=sorted(assignment.partitions),
            new=sorted(assignment.partitions - before),
            left=sorted(before - assignment.partitions),
            catalogue=assignment.catalogue,
            standby=sorted(assignment.standby),
            awaited=sorted(self.awaited),
            seconds=self._since_revoked(),
        )
        self._ask_when_warm()

    def _ask_when_warm(self) -> None:
        """Once for each assignment: a rebalance makes all workers pause for a moment."""
        if self._over and not self._asked and self.awaited and self.awaited <= self.warm:
            self._asked = True
            _log.info("partitions.asked_for", warm=sorted(self.awaited), seconds=self._since_revoked())
            self.ask_anew()

    def _check_member(self, member_id: str) -> None:
        if self._owned.actors and member_id != self.member_id:
            raise Expelled

    async def leave(self) -> None:
        """Before the group is left: finish what is in hand and write nothing more."""
        self._leaving, self._over = True, False
        await self._owned.leave()

    def _since_revoked(self) -> float:
        return round(time.monotonic() - self._revoked_at, 3)
