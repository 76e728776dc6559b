"""What a worker counts: told once per transaction by the actors, and once per attempt by the dispatcher."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry

from domain import journal as j
from schemas import metrics as m
from streams.work import Work

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
        self._duplicates = m.counter(registry, "headrace_duplicates_total")
        self._stuck_enrollments = m.gauge(registry, "headrace_stuck_enrollments")
        self._stuck_partitions = m.gauge(registry, "headrace_stuck_partitions")

    def committed(self, work: Work, *, records: int, seconds: float, time_scale: float) -> None:
        """A transaction of so many records was committed in so many seconds."""
        self._seconds.observe(seconds)
        self._records.observe(records)
        for event_type, count in Counter(map(type, work.events)).items():
            self._events.labels(_name(event_type)).inc(count)
            self._count_special(event_type, count, work)
        for reason, count in Counter(work.buried).items():
            self._dead_letters.labels(reason).inc(count)
        self._duplicates.inc(work.duplicates)
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

    def stuck(self, enrollments: Mapping[str, int], partitions: Mapping[str, int]) -> None:
        """So many enrollments and partitions are stuck, by reason."""
        for gauge, counts in ((self._stuck_enrollments, enrollments), (self._stuck_partitions, partitions)):
            for reason, count in counts.items():
                gauge.labels(reason).set(count)


def _name(event_type: type[Any]) -> str:
    return str(event_type.__struct_config__.tag)
