"""Verifications on a schedule: what each came to is shown in metrics and /readyz, and no value of a contact is logged."""

import asyncio
import contextlib
import math

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from headrace.jobs.child import JobsBusy
from headrace.jobs.message import Failure, Progress, Report, encode_line
from headrace.verifying import ScheduledVerification
from projections.verify.metrics import VerifyMetrics

DIFFERENCE = {
    "partition": 1,
    "contact_id": "ada",
    "table": "contacts",
    "key": "ada",
    "column": "phone",
    "expected": "+15550001111",
    "found": None,
}


class Jobs:
    """Answers as it is told, and keeps what it was asked for."""

    def __init__(self, *messages, error=None):
        self.messages, self.error, self.asked = messages, error, []

    async def run(self, kind, body):
        self.asked.append((kind, body))
        if self.error is not None:
            raise self.error
        for message in self.messages:
            yield encode_line(message)


class Schedule:
    def __init__(self, jobs, *, stores_only=False):
        self.registry = CollectorRegistry()
        self.verification = ScheduledVerification(jobs, VerifyMetrics(self.registry), stores_only=stores_only)

    def shown(self, name):
        return self.registry.get_sample_value(f"headrace_verify_{name}")


def report(*differences):
    found = {"seconds": 2.5, "events": 9, "folded": 3, "differing": len(differences), "differences": list(differences)}
    return Report(found, ok=not differences)


async def test_what_is_well_is_shown_as_well():
    jobs = Jobs(Progress(1, 2, "events", 1.0), report())
    schedule = Schedule(jobs, stores_only=True)
    assert math.isnan(schedule.shown("ok"))
    await schedule.verification.once()
    assert jobs.asked == [("verify", {"workers": 1, "stores_only": True})]
    assert [schedule.shown(name) for name in ("ok", "differing", "seconds", "failed_total")] == [1, 0, 2.5, 0]
    assert schedule.shown("last_timestamp_seconds") > 1_700_000_000
    assert schedule.verification.last["ok"] is True


async def test_a_difference_is_an_error_in_the_log_without_what_was_found():
    schedule = Schedule(Jobs(report(DIFFERENCE)))
    with capture_logs() as logs:
        await schedule.verification.once()
    assert [schedule.shown(name) for name in ("ok", "differing")] == [0, 1]
    assert schedule.verification.last["ok"] is False
    (line,) = logs
    assert (line["event"], line["log_level"], line["table"], line["column"]) == ("verify.differs", "error", "contacts", "phone")  # fmt: skip
    assert "+1555" not in str(line)


@pytest.mark.parametrize(
    "jobs", [Jobs(Failure(409, "x", "no log there")), Jobs(error=JobsBusy()), Jobs()], ids=["failure", "busy", "silent"]
)
async def test_what_can_not_be_done_is_counted_and_changes_nothing_that_is_known(jobs):
    schedule = Schedule(jobs)
    with capture_logs() as logs:
        await schedule.verification.once()
    assert schedule.shown("failed_total") == 1
    assert math.isnan(schedule.shown("ok"))
    assert logs[0]["event"] == "verify.failed"


async def test_it_is_done_again_and_again():
    jobs = Jobs(report())
    task = asyncio.create_task(Schedule(jobs).verification.run(0.0))
    async with asyncio.timeout(10):
        while len(jobs.asked) < 3:
            await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
