"""The metrics that Headrace shows: every name with its labels and meaning, in one table; the docs are made from it.

No label holds personal data or an id of a contact: the values of each are few and known before. What is counted per
event is added up per batch.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

# Else every counter has a second series, with the time of its making.
disable_created_metrics()  # type: ignore[no-untyped-call]

Kind = Literal["counter", "gauge", "histogram"]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATE_SECONDS: Final = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)
_CALL_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_RECORDS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000)


class MetricSpec(msgspec.Struct, frozen=True):
    """One metric: a counter's name ends in `_total`, a time is in seconds."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


ENGINE: Final = (
    MetricSpec(
        "headrace_consumer_lag_records",
        "gauge",
        "Input records that the partition's owner has not taken in yet.",
        ("topic", "partition"),
    ),
    MetricSpec(
        "headrace_transaction_seconds",
        "histogram",
        "How long a partition's commits take, the wait for the worker's transaction under way included.",
        buckets=_SECONDS,
    ),
    MetricSpec(
        "headrace_transaction_records", "histogram", "Records that a transaction writes, of all topics.", (), _RECORDS
    ),
    MetricSpec(
        "headrace_journal_events_total", "counter", "Journal events that were committed, by their type.", ("type",)
    ),
    MetricSpec(
        "headrace_pending_timers", "gauge", "Contacts that wait for a timer (the earliest of theirs).", ("partition",)
    ),
    MetricSpec(
        "headrace_timer_lateness_seconds",
        "histogram",
        "From a timer's due time until what it caused is journaled, in real time.",
        buckets=_LATE_SECONDS,
    ),
    MetricSpec(
        "headrace_actions_requested_total",
        "counter",
        "Actions that steps asked for, by the channel of their provider.",
        ("channel",),
    ),
    MetricSpec(
        "headrace_attempts_total",
        "counter",
        "Attempts at actions that this worker ended, by channel and outcome: `succeeded`, `failed` or `unknown`.",
        ("channel", "outcome"),
    ),
    MetricSpec(
        "headrace_attempt_seconds",
        "histogram",
        "From an attempt's start to its outcome, the wait for a slot included.",
        ("channel",),
        _CALL_SECONDS,
    ),
    MetricSpec(
        "headrace_breaker_open",
        "gauge",
        "Whether the channel's provider counts as down, so that calls are held back (1) or not (0).",
        ("channel",),
    ),
    MetricSpec("headrace_attempts_in_flight", "gauge", "Attempts that have no outcome yet.", ("channel",)),
    MetricSpec("headrace_incidents_opened_total", "counter", "Incidents that were opened."),
    MetricSpec("headrace_incidents_resolved_total", "counter", "Incidents that were resolved."),
    MetricSpec(
        "headrace_dead_letters_total", "counter", "Input records that could not be read, by reason.", ("reason",)
    ),
    MetricSpec(
        "headrace_duplicates_total",
        "counter",
        "Contact events of the stream that were taken in before (same source and id), and left aside.",
    ),
    MetricSpec(
        "headrace_catalogue_offset",
        "gauge",
        "Definitions below this offset are in force in the partition.",
        ("partition",),
    ),
    MetricSpec("headrace_owned_partitions", "gauge", "Partitions that this worker owns."),
    MetricSpec(
        "headrace_standby_lag_records",
        "gauge",
        "Journal records (and whatever else takes up offsets) that this worker has not folded yet, of partitions that it "
        "follows for another one.",
        ("partition",),
    ),
    MetricSpec(
        "headrace_awaited_partitions", "gauge", "Partitions that this worker gets when it has folded their journals."
    ),
    MetricSpec(
        "headrace_stuck_enrollments",
        "gauge",
        "Enrollments that nothing will move, or that should have moved long ago, by reason, as the worker's own state has "
        "them; each reason is counted up to 1,000 a partition.",
        ("reason",),
    ),
    MetricSpec(
        "headrace_stuck_partitions",
        "gauge",
        "Partitions of this worker that have something to do and have not moved for a minute, by reason.",
        ("reason",),
    ),
)
PROJECTION: Final = (
    MetricSpec(
        "headrace_projection_lag_records",
        "gauge",
        "Journal records (and whatever else takes up offsets) that are not projected yet.",
        ("partition",),
    ),
    MetricSpec("headrace_projection_lag_seconds", "gauge", "How old the oldest record is that is not projected yet."),
    MetricSpec(
        "headrace_projection_batch_seconds",
        "histogram",
        "How long a batch takes to be folded and written.",
        buckets=_SECONDS,
    ),
    MetricSpec("headrace_projection_batch_records", "histogram", "Records that a batch holds.", (), _RECORDS),
    MetricSpec("headrace_projected_records_total", "counter", "Records that were projected, by topic.", ("topic",)),
)
VERIFY: Final = (
    MetricSpec(
        "headrace_verify_ok",
        "gauge",
        "1 when the last verification found everything as the journal says, 0 when it did not.",
    ),
    MetricSpec("headrace_verify_differing", "gauge", "Contacts (and other things) that differed in it."),
    MetricSpec("headrace_verify_seconds", "gauge", "How long it took."),
    MetricSpec("headrace_verify_last_timestamp_seconds", "gauge", "When it ended."),
    MetricSpec("headrace_verify_failed_total", "counter", "Verifications that could not be done."),
)
API: Final = (
    MetricSpec(
        "headrace_http_requests_total",
        "counter",
        "Requests that were answered, by method, route and status.",
        ("method", "route", "status"),
    ),
    MetricSpec(
        "headrace_http_request_seconds",
        "histogram",
        "How long requests took, by method and route; a write waits for the read side.",
        ("method", "route"),
        _SECONDS,
    ),
    MetricSpec("headrace_open_incidents", "gauge", "Incidents that are open, as the read side shows them."),
    MetricSpec("headrace_open_dead_letters", "gauge", "Dead letters that were not replayed."),
    MetricSpec(
        "headrace_stuck_rows",
        "gauge",
        "Enrollments that look stuck on the read side, by reason, counted up to 1,000.",
        ("reason",),
    ),
)
EVERY_ROLE: Final = (
    MetricSpec("headrace_build_info", "gauge", "1; its labels name the version.", ("version", "python", "role")),
)
ROLES: Final[Mapping[str, tuple[MetricSpec, ...]]] = {
    "worker": (*ENGINE, *VERIFY),
    "projector": (*PROJECTION, *VERIFY),
    "api": API,
    "every role": EVERY_ROLE,
}
"""Which role shows what; `headrace dev` is all of them."""

_SPECS: Final = {spec.name: spec for specs in ROLES.values() for spec in specs}


def counter(registry: CollectorRegistry, name: str) -> Counter:
    """A counter of the table, in this registry."""
    spec = _SPECS[name]
    return Counter(spec.name, spec.help, spec.labels, registry=registry)


def gauge(registry: CollectorRegistry, name: str) -> Gauge:
    """A gauge of the table, in this registry."""
    spec = _SPECS[name]
    return Gauge(spec.name, spec.help, spec.labels, registry=registry)


def histogram(registry: CollectorRegistry, name: str) -> Histogram:
    """A histogram of the table, in this registry."""
    spec = _SPECS[name]
    return Histogram(spec.name, spec.help, spec.labels, registry=registry, buckets=spec.buckets)


class BatchHistogram(Collector):
    """A histogram without labels that takes many values at once; `Histogram` walks its buckets for each."""

    def __init__(self, registry: CollectorRegistry, name: str) -> None:
        self._spec = _SPECS[name]
        self._counts = [0] * (len(self._spec.buckets) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe_all(self, values: Sequence[float]) -> None:
        """Count these values."""
        ordered, below = sorted(values), 0
        for index, bound in enumerate((*self._spec.buckets, float("inf"))):
            upto = bisect_right(ordered, bound)
            self._counts[index] += upto - below
            below = upto
        self._sum += sum(ordered)

    def collect(self) -> Iterator[Metric]:
        """What was counted, as the registry wants it."""
        buckets, total = [], 0
        for bound, count in zip((*self._spec.buckets, float("inf")), self._counts, strict=True):
            total += count
            buckets.append((_bound_text(bound), float(total)))
        yield HistogramMetricFamily(self._spec.name, self._spec.help, buckets=buckets, sum_value=self._sum)


def _bound_text(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(float(bound))
