"""What a worker measures: told once per transaction by the actors, asked of the host when somebody looks."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from domain import journal as j
from schemas import metrics as m
from schemas.event_log import EventLog
from streams.work import Work

if TYPE_CHECKING:
    from streams.engine_host import EngineHost

_MS: Final = 1_000


class EngineMetrics:
    """The counters and histograms of one worker."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Make them, all at zero.

        Args:
            registry: where they are shown; None: nowhere.
        """
        registry = CollectorRegistry() if registry is None else registry
        self._seconds = m.histogram(registry, "headrace_transaction_seconds")
        self._records = m.histogram(registry, "headrace_transaction_records")
        self._events = m.counter(registry, "headrace_journal_events_total")
        self._lateness = m.BatchHistogram(registry, "headrace_timer_lateness_seconds")
        self._requested = m.counter(registry, "headrace_actions_requested_total")
        self._attempts = m.counter(registry, "headrace_attempts_total")
        self._attempt_seconds = m.histogram(registry, "headrace_attempt_seconds")
        self._opened = m.counter(registry, "headrace_incidents_opened_total")
        self._resolved = m.counter(registry, "headrace_incidents_resolved_total")
        self._dead_letters = m.counter(registry, "headrace_dead_letters_total")

    def committed(self, work: Work, *, records: int, seconds: float, time_scale: float) -> None:
        """A transaction of so many records was committed in so many seconds."""
        self._seconds.observe(seconds)
        self._records.observe(records)
        for event_type, count in Counter(map(type, work.events)).items():
            self._events.labels(_name(event_type)).inc(count)
            self._count_special(event_type, count, work)
        for reason, count in Counter(work.buried).items():
            self._dead_letters.labels(reason).inc(count)
        if work.fired:
            now_ms = work.now_ms + seconds * _MS * time_scale
            self._lateness.observe_all([max(0.0, now_ms - due_ms) / _MS / time_scale for due_ms in work.fired])

    def _count_special(self, event_type: type[Any], count: int, work: Work) -> None:
        if event_type is j.IncidentOpened:
            self._opened.inc(count)
        elif event_type is j.IncidentResolved:
            self._resolved.inc(count)
        elif event_type is j.ActionRequested:
            asked = Counter(event.channel for event in work.events if isinstance(event, j.ActionRequested))
            for channel, many in asked.items():
                self._requested.labels(channel).inc(many)

    def attempted(self, channel: str, outcome: str, seconds: float) -> None:
        """An attempt ended, so many real seconds after it was submitted."""
        self._attempts.labels(channel, outcome).inc()
        self._attempt_seconds.labels(channel).observe(seconds)


class EngineGauges:
    """What stands at the moment that somebody looks: lag, timers, calls, the catalogue's offset."""

    def __init__(self, registry: CollectorRegistry, host: "EngineHost", log: EventLog, inputs: tuple[str, ...]) -> None:
        self._host, self._log, self._inputs = host, log, inputs
        self._lag = m.gauge(registry, "headrace_consumer_lag_records")
        self._timers = m.gauge(registry, "headrace_pending_timers")
        self._in_flight = m.gauge(registry, "headrace_attempts_in_flight")
        self._catalogue = m.gauge(registry, "headrace_catalogue_offset")
        self._owned = m.gauge(registry, "headrace_owned_partitions")

    async def look(self) -> None:
        """Take the figures; partitions that left are no longer shown."""
        actors = [actor for actor in self._host.actors.values() if actor.is_open]
        places = [(actor, topic) for actor in actors for topic in self._inputs]
        ends = await asyncio.gather(*(self._log.end_offset(topic, actor.partition) for actor, topic in places))
        for gauge in (self._lag, self._timers, self._catalogue):
            gauge.clear()
        for (actor, topic), end in zip(places, ends, strict=True):
            self._lag.labels(topic, str(actor.partition)).set(max(0, end - actor.position(topic)))
        for actor in actors:
            if actor.is_open:  # it may have been closed meanwhile
                self._timers.labels(str(actor.partition)).set(actor.pending_timers)
                self._catalogue.labels(str(actor.partition)).set(actor.catalogue_offset)
        self._owned.set(len(self._host.actors))
        for channel, count in self._host.dispatcher.busy.items():
            self._in_flight.labels(channel).set(count)


def _name(event_type: type[Any]) -> str:
    return str(event_type.__struct_config__.tag)
