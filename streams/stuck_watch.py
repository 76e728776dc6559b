"""Watching the partitions that a worker owns: whether an enrollment is stuck in one, or the whole partition does not move.

It takes one partition at a time, for a millisecond or so, between the cycles of the actors: they share its event loop.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from math import inf
from typing import Final, Protocol

import msgspec
import structlog

from domain.clock import Clock
from domain.stuck import ENROLLMENT_REASONS, PARTITION_REASONS, Patience
from schemas.event_log import LogReader
from streams.actor import PartitionActor
from streams.catalogue_feed import CatalogueFeed
from streams.metrics import EngineMetrics
from streams.partition_settings import PartitionSettings
from streams.stuck_scan import StuckScan

EVERY_S: Final = 0.2
"""Real seconds between two looks; each is at another partition."""
_PARTITION_EVERY_S: Final = 5.0
"""Real seconds between two questions to the log about a partition."""
_MS: Final = 1_000
_log = structlog.get_logger(__name__)


class Watched(Protocol):
    """What the watch asks of a host."""

    @property
    def actors(self) -> Mapping[int, PartitionActor]:
        """The partitions that are owned."""
        ...


class _Standing(msgspec.Struct):
    """Where a partition stood, for each reason that it may be stuck for, and since when (real seconds)."""

    scan: StuckScan
    looked_at: float = -inf
    places: dict[str, tuple[object, float]] = {}
    stuck: frozenset[str] = frozenset()


class StuckWatch:
    """Looks at a worker's partitions in turn, and keeps the metrics of what is stuck."""

    def __init__(
        self,
        host: Watched,
        feed: CatalogueFeed,
        log: LogReader,
        clock: Clock,
        settings: PartitionSettings,
        metrics: EngineMetrics,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._feed, self._log, self._clock, self._settings = host, feed, log, clock, settings
        self._metrics, self._monotonic = metrics, monotonic
        self._patience = Patience().scaled(settings.time_scale)
        self._standing: dict[PartitionActor, _Standing] = {}
        self._turn = 0
        self._show()

    async def run(self) -> None:
        """Look until cancelled. A look that fails is logged: the engine does not depend on it."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 whatever it is, the engine goes on
                _log.warning("stuck.look_failed", error=repr(error))

    async def look(self) -> None:
        """Look at the next partition, and show what is known of all."""
        actors = [actor for actor in self._host.actors.values() if actor.is_open]
        self._standing = {actor: seen for actor, seen in self._standing.items() if actor in actors}
        if actors:
            self._turn = (self._turn + 1) % len(actors)
            await self._look_at(actors[self._turn])
        self._show()

    async def _look_at(self, actor: PartitionActor) -> None:
        seen = self._standing.get(actor)
        if seen is None:
            seen = self._standing[actor] = _Standing(StuckScan(actor.store, self._patience))
        seen.scan.look(self._clock())
        now = self._monotonic()
        if now - seen.looked_at >= _PARTITION_EVERY_S:
            seen.looked_at = now
            seen.stuck = self._not_moving(seen, await self._pending(actor), now)

    async def _pending(self, actor: PartitionActor) -> Mapping[str, object]:
        """Where the partition stands in what it has left to do; a reason that is not named has nothing left."""
        inputs = self._settings.topics.inputs
        ends = [await self._log.end_offset(topic, actor.partition) for topic in inputs]
        pending: dict[str, object] = {}
        if not actor.is_open:  # it was given up meanwhile
            return pending
        behind = [
            (topic, actor.position(topic))
            for topic, end in zip(inputs, ends, strict=True)
            if actor.position(topic) < end
        ]
        if behind:
            pending["inputs_behind"] = behind
        if actor.walked is not None:
            pending["walk_stalled"] = (actor.catalogue_offset, actor.walked)
        elif actor.catalogue_offset < self._feed.latest.offset:
            pending["catalogue_behind"] = actor.catalogue_offset
        return pending

    def _not_moving(self, seen: _Standing, pending: Mapping[str, object], now: float) -> frozenset[str]:
        """The reasons for which the partition has stood at the same place for longer than patience lasts."""
        places = {}
        for reason, place in pending.items():
            before = seen.places.get(reason)
            places[reason] = (place, before[1] if before is not None and before[0] == place else now)
        seen.places = places
        limit_s = Patience().partition_ms / _MS
        return frozenset(reason for reason, (_, since) in places.items() if now - since > limit_s)

    def _show(self) -> None:
        enrollments: Counter[str] = Counter()
        partitions: Counter[str] = Counter()
        for seen in self._standing.values():
            enrollments.update(seen.scan.counts)
            partitions.update(seen.stuck)
        self._metrics.stuck(
            {reason: enrollments[reason] for reason in ENROLLMENT_REASONS},
            {reason: partitions[reason] for reason in PARTITION_REASONS},
        )
