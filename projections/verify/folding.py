"""Bringing all ledgers to their offsets: each partition in pieces, many at a time, told of as they go."""

import asyncio
from collections.abc import Mapping, Sequence

from projections.verify.ledger import Stand
from projections.verify.place import Place
from projections.verify.plan import Plan
from projections.verify.tasks import begin, fold_on


class Folding:
    """Where every ledger stands, and how much of the journal was folded."""

    def __init__(self, plan: Plan, places: Sequence[Place], stands: Mapping[int, Stand]) -> None:
        self._plan, self.places = plan, places
        self._first, self._now = dict(stands), dict(stands)
        self._targets = {number: stand.offset for number, stand in stands.items()}

    async def all_to(self, offsets: Mapping[int, int]) -> list[Stand]:
        """Bring all ledgers to their offsets. Gives where they stand then."""
        self._targets |= offsets
        return await asyncio.gather(*(self.to(one, offsets[one.partition]) for one in self.places))

    async def to(self, place: Place, offset: int) -> Stand:
        """Bring one ledger to the offset; one that is beyond it begins anew. Gives where it stands then."""
        number = place.partition
        self._targets[number] = offset
        if self._now[number].offset > offset:
            await self.begin_anew(place)
        while self._now[number].offset < offset:
            self._now[number] = await self._plan.call(fold_on, place, offset)
            self._tell()
        return self._now[number]

    async def begin_anew(self, place: Place) -> None:
        """Forget what a ledger holds."""
        stand = await self._plan.call(begin, place, from_start=True)
        self._first[place.partition] = self._now[place.partition] = stand

    def folded(self, partition: int) -> int:
        """How many events of a partition were folded."""
        return self._now[partition].events - self._first[partition].events

    def _tell(self) -> None:
        done = sum(stand.offset - self._first[number].offset for number, stand in self._now.items())
        total = sum(offset - self._first[number].offset for number, offset in self._targets.items())
        self._plan.progress(done, total)
