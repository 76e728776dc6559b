"""Dispatcher and providers together, under faults: every attempt is accounted for, and no outcome is guessed."""

import asyncio
import time
from collections import Counter

import pytest

from streams.attempt import Attempt
from streams.dispatcher import Dispatcher

CALLS = 60


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def attempt(n: int, channel: str, step_type: str, request: dict) -> Attempt:
    return Attempt(
        action_key=f"{channel}/s/{n}",
        attempt=1,
        enrollment_id=channel,
        contact_id="c1",
        step_id="s",
        step_type=step_type,
        channel=channel,
        request=request,
        contact={"phone": "+15550100", "email": "ann@example.org"},
        state={},
        start_by_ms=now_ms() + 60_000,
        deadline_ms=now_ms() + 90_000,
    )


@pytest.mark.parametrize("slots", [1, 16])
async def test_each_attempt_ends_in_one_report_that_agrees_with_the_inbox(slots, actions, client, requests_to):
    for seed, described in enumerate(
        [
            {"kind": "reset_after_accept", "rate": 0.2},
            {"kind": "reset_before_accept", "rate": 0.2},
            {"kind": "status", "status": 429, "retry_after": 1, "rate": 0.2},
            {"kind": "status", "status": 500, "rate": 0.2},
            {"kind": "status", "status": 400, "rate": 0.2},
        ]
    ):
        await client.post("/faults", json={**described, "seed": seed})
    reports = []
    done = asyncio.Event()

    def take(report):
        reports.append(report)
        if len(reports) == CALLS * len(requests_to):
            done.set()

    dispatcher = Dispatcher(actions, now_ms, report=take, slots=dict.fromkeys(requests_to, slots))
    for n in range(CALLS):
        for channel, (step_type, request) in requests_to.items():
            dispatcher.submit(attempt(n, channel, step_type, request))
    async with asyncio.timeout(60):
        await done.wait()
    assert await dispatcher.drain(10) == 0

    async with client.get("/inbox.json") as response:
        taken = Counter(message["action_key"] for message in (await response.json())["messages"])
    outcomes = {report.action_key: report.outcome for report in reports}
    assert len(outcomes) == len(reports)
    assert set(outcomes.values()) == {"succeeded", "failed", "unknown"}
    assert max(taken.values()) == 1
    for key, outcome in outcomes.items():
        assert outcome == "unknown" or taken[key] == (outcome == "succeeded"), key
