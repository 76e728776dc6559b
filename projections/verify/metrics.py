"""What scheduled verifications show of themselves."""

import math
import time
from typing import Final

from prometheus_client import CollectorRegistry

from schemas import metrics as m

_UNKNOWN: Final = math.nan
"""Until the first verification has ended: neither well nor ill."""


class VerifyMetrics:
    """The last verification of this process, and how many could not be done."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ok = m.gauge(registry, "headrace_verify_ok")
        self._differing = m.gauge(registry, "headrace_verify_differing")
        self._seconds = m.gauge(registry, "headrace_verify_seconds")
        self._at = m.gauge(registry, "headrace_verify_last_timestamp_seconds")
        self._failed = m.counter(registry, "headrace_verify_failed_total")
        for one in (self._ok, self._differing, self._seconds, self._at):
            one.set(_UNKNOWN)

    def verified(self, *, ok: bool, differing: int, seconds: float) -> None:
        """One has ended just now."""
        self._ok.set(int(ok))
        self._differing.set(differing)
        self._seconds.set(seconds)
        self._at.set(time.time())

    def failed(self) -> None:
        """One could not be done."""
        self._failed.inc()
