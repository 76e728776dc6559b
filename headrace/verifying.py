"""Verifications on a schedule: each a job of low priority, whose result is logged and shown in metrics and /readyz."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Final, Protocol

import structlog

from domain.errors import HeadraceError
from headrace.jobs.child import ChildJobs, environment_of
from headrace.jobs.message import Failure, Message, Report, decode
from headrace.metrics import RoleMetrics
from headrace.settings import Settings
from projections.verify.metrics import VerifyMetrics

_WORKERS: Final = 1
"""Processes of a scheduled verification: it has the whole interval for its work."""
_log = structlog.get_logger(__name__)


class Jobs(Protocol):
    """What does a job: a child process of ours, or a test's."""

    def run(self, kind: str, body: Mapping[str, Any]) -> AsyncGenerator[bytes]:
        """The job's messages."""
        ...


class ScheduledVerification:
    """Verifies again and again, and keeps the last result."""

    def __init__(self, jobs: Jobs, metrics: VerifyMetrics, *, stores_only: bool) -> None:
        self._jobs, self._metrics = jobs, metrics
        self._body = {"workers": _WORKERS, "stores_only": stores_only}
        self.last: dict[str, Any] = {}
        """For /readyz: whether the last one was ok, and when it ended. Differences make nobody unready."""

    async def run(self, every_s: float) -> None:
        """Verify each time that so many seconds have passed, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.once()

    async def once(self) -> None:
        """Verify now. What can't be done is logged, and tried again at the next time."""
        try:
            last = await self._last_message()
        except (HeadraceError, OSError) as error:
            last = Failure(500, "job_failed", str(error))
        if isinstance(last, Report):
            self._tell(last)
        else:
            reason = last.detail if isinstance(last, Failure) else "the job ended without a report"
            _log.warning("verify.failed", reason=reason)
            self._metrics.failed()

    async def _last_message(self) -> Message | None:
        last: Message | None = None
        async with contextlib.aclosing(self._jobs.run("verify", self._body)) as lines:
            async for line in lines:
                last = decode(line)
        return last

    def _tell(self, last: Report) -> None:
        report = last.report
        self._metrics.verified(ok=last.ok, differing=report["differing"], seconds=report["seconds"])
        self.last = {"ok": last.ok, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        if last.ok:
            _log.info("verify.ok", events=report["events"], folded=report["folded"], seconds=report["seconds"])
            return
        first: dict[str, Any] = next(iter(report["differences"]), {})
        about = {
            name: first.get(name) for name in ("partition", "table", "column", "key")
        }  # no values: they are personal
        _log.error("verify.differs", differing=report["differing"], hint="headrace verify names them", **about)


@contextlib.asynccontextmanager
async def verifying(
    settings: Settings, database_url: str | None, metrics: RoleMetrics
) -> AsyncIterator[ScheduledVerification]:
    """Verifications as often as the settings say; without a database, of the stores of this machine alone."""
    jobs = ChildJobs(environment_of(settings, database_url))
    schedule = ScheduledVerification(jobs, VerifyMetrics(metrics.registry), stores_only=database_url is None)
    task = asyncio.create_task(schedule.run(settings.verify_every)) if settings.verify_every else None
    try:
        yield schedule
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
