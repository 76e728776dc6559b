"""What the projector measures: told once per batch, and its lag when somebody looks."""

import asyncio
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry

from domain.clock import Clock
from projections.checkpoints import Source
from schemas import metrics as m
from schemas.event_log import EventLog
from schemas.topics import JOURNAL

_MS: Final = 1_000


class ProjectionMetrics:
    """The counters and histograms of one projector, and the gauges of its lag."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Make them, all at zero.

        Args:
            registry: where they are shown; None: nowhere.
        """
        registry = CollectorRegistry() if registry is None else registry
        self._seconds = m.histogram(registry, "headrace_projection_batch_seconds")
        self._records = m.histogram(registry, "headrace_projection_batch_records")
        self._projected = m.counter(registry, "headrace_projected_records_total")
        self._lag_records = m.gauge(registry, "headrace_projection_lag_records")
        self._lag_seconds = m.gauge(registry, "headrace_projection_lag_seconds")

    def projected(self, records: Mapping[str, int], seconds: float) -> None:
        """A batch of so many records by topic was written in so many seconds."""
        self._seconds.observe(seconds)
        self._records.observe(sum(records.values()))
        for topic, count in records.items():
            if count:
                self._projected.labels(topic).inc(count)

    async def look(self, log: EventLog, checkpoints: Mapping[Source, int], clock: Clock) -> None:
        """Take the lag: by offsets, and by the age of the oldest record that waits."""
        places = {source: offset for source, offset in checkpoints.items() if source[0] == JOURNAL}
        ends = await asyncio.gather(*(log.end_offset(*source) for source in places))
        behind = {source: max(0, end - places[source]) for source, end in zip(places, ends, strict=True)}
        reads = [log.read(*source, places[source], limit=1) for source, count in behind.items() if count]
        waiting = [record.timestamp_ms for chunk in await asyncio.gather(*reads) for record in chunk]
        for (_, partition), count in behind.items():
            self._lag_records.labels(str(partition)).set(count)
        self._lag_seconds.set(max(0, clock() - min(waiting)) / _MS if waiting else 0)
