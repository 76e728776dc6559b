"""The pace of one worker: how many messages may begin, by channel (a provider's limit) and by workflow.

Token buckets: tokens come evenly, and at most a second's worth of them is kept. So a limit of 100 a minute is 1.67 a
second, and no minute sees more than 102. A channel's seconds are real ones, as its provider's are; a workflow's are the engine's.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from domain.catalogue import Catalogue
from domain.clock import Clock
from domain.enrollment import Enrollment
from domain.workflow import RateLimit

_ROUNDING: Final = 1e-6


class Bucket:
    """Tokens that come at a steady rate."""

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        """A full bucket.

        Args:
            per_second: how many tokens come.
            now: the time in seconds; it never runs backwards.
        """
        self._per_second, self._now = per_second, now
        self._most = max(1.0, per_second)
        self._tokens, self._at = self._most, now()

    @property
    def free(self) -> int:
        """How many may begin at once."""
        now = self._now()
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return int(self._tokens + _ROUNDING)

    def take(self) -> None:
        """One begins."""
        self._tokens -= 1.0

    @property
    def wait_s(self) -> float:
        """In how many seconds of its clock one may begin; 0: now."""
        return 0.0 if self.free else (1.0 - self._tokens) / self._per_second


class Pace:
    """The buckets of a worker. All of its partitions draw from them, each in the order of its requests."""

    def __init__(
        self,
        per_second: Mapping[str, float],
        clock: Clock,
        *,
        time_scale: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Full buckets.

        Args:
            per_second: how many messages may begin in a real second, by channel; a channel that is not named has no limit.
            clock: the engine's time.
            time_scale: engine seconds per real second.
            now: real time in seconds.
        """
        self._channels = {channel: Bucket(rate, now) for channel, rate in per_second.items()}
        self._workflows: dict[str, tuple[RateLimit, Bucket]] = {}
        self._clock, self._time_scale = clock, time_scale

    def free(self, channel: str) -> int | None:
        """How many messages of the channel may begin at once; None: any number."""
        bucket = self._channels.get(channel)
        return None if bucket is None else bucket.free

    def may_begin(self, channel: str, workflow_id: str, limit: RateLimit | None) -> bool:
        """Whether a message may begin now."""
        of_workflow = self._of_workflow(workflow_id, limit)
        return self.free(channel) != 0 and (of_workflow is None or of_workflow.free > 0)

    def begins(self, channel: str, workflow_id: str, limit: RateLimit | None) -> None:
        """A message begins."""
        for bucket in (self._channels.get(channel), self._of_workflow(workflow_id, limit)):
            if bucket is not None:
                bucket.take()

    def exhausted(self) -> list[str]:
        """Workflows of which no message may begin now."""
        return [workflow_id for workflow_id, (_, bucket) in self._workflows.items() if not bucket.free]

    def next_s(self, channels: Iterable[str]) -> float | None:
        """In how many real seconds one more may begin in these channels, or in a workflow; None: nothing is kept back."""
        waits = [self._channels[channel].wait_s for channel in channels if channel in self._channels]
        waits += [bucket.wait_s / self._time_scale for _, bucket in self._workflows.values()]
        return min((wait for wait in waits if wait > 0), default=None)

    def _of_workflow(self, workflow_id: str, limit: RateLimit | None) -> Bucket | None:
        """The workflow's bucket, a new one when its limit is another than before."""
        known = self._workflows.get(workflow_id)
        if known is not None and known[0] == limit:
            return known[1]
        self._workflows.pop(workflow_id, None)
        if limit is None:
            return None
        bucket = Bucket(limit.messages * 1000 / limit.span_ms, lambda: self._clock() / 1000)
        self._workflows[workflow_id] = (limit, bucket)
        return bucket


def limit_of(catalogue: Catalogue, enrollment: Enrollment) -> RateLimit | None:
    """What the live version of an enrollment's workflow says, or else the enrollment's own."""
    entry = catalogue.entries.get(enrollment.workflow_id)
    version = entry.versions.get(entry.published or enrollment.version) if entry is not None else None
    return version.compiled.rate_limit if version is not None and version.compiled is not None else None
