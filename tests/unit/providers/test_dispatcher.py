"""The dispatcher: bounded, never late, one report for each attempt, no slot ever lost."""

import asyncio

import pytest
from structlog.testing import capture_logs

from domain.action import ActionContext, ActionRegistry, ActionResult, WorkflowAction
from streams.attempt import Attempt
from streams.breaker import THRESHOLD
from streams.dispatcher import Dispatcher

NOW_MS = 1_000_000


class Scripted(WorkflowAction):
    """Does what the attempt's request says, and notes who is inside."""

    action_type = "scripted"

    def __init__(self):
        self.inside = self.most_inside = self.calls = 0
        self.gate = asyncio.Event()
        self.seen = []

    async def execute(self, contact, config, state):
        self.calls += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.seen.append((contact, config, state, ActionContext.current()))
        try:
            if "raise" in config:
                raise config["raise"]
            if config.get("wait"):
                await self.gate.wait()
            return config.get("return", {"success": True})
        finally:
            self.inside -= 1


class Bench:
    """A dispatcher with a clock that is set by hand, and its reports."""

    def __init__(self, **options):
        self.now_ms = NOW_MS
        self.action = Scripted()
        self.reports = []
        actions = ActionRegistry()
        actions.register(self.action)
        self.dispatcher = Dispatcher(actions, lambda: self.now_ms, report=self.reports.append, **options)

    def submit(self, n=1, *, channel="scripted", step_type="scripted", start_in_ms=5_000, due_in_ms=10_000, **request):
        self.dispatcher.submit(
            Attempt(
                action_key=f"e/s/{n}",
                attempt=1,
                enrollment_id="e",
                contact_id="c",
                step_id="s",
                step_type=step_type,
                channel=channel,
                request=request,
                contact={"first_name": "Ann", "tags": ["a"]},
                state={"n": n},
                start_by_ms=self.now_ms + start_in_ms,
                deadline_ms=self.now_ms + due_in_ms,
            )
        )

    async def outcomes(self, count=1):
        await until(lambda: len(self.reports) >= count)
        return [(report.outcome, report.code, report.retryable) for report in self.reports]


async def until(condition, timeout_s=10):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.001)


async def test_an_action_gets_contact_request_state_and_the_idempotency_key():
    bench = Bench()
    bench.submit(body="hi")
    assert await bench.outcomes() == [("succeeded", None, False)]
    ((contact, config, state, context),) = bench.action.seen
    assert (contact.id, contact.first_name, contact.tags) == ("c", "Ann", ("a",))
    assert (config, state) == ({"body": "hi"}, {"n": 1})
    assert (context.idempotency_key, context.attempt, context.step_id) == ("e/s/1", 1, "s")
    assert 0 < context.timeout_s < 10


async def test_a_calls_time_is_real_although_the_engines_is_scaled():
    bench = Bench(time_scale=1_000.0)
    bench.submit(start_in_ms=5_000_000, due_in_ms=10_000_000)
    await bench.outcomes()
    assert bench.action.seen[0][3].timeout_s == pytest.approx(9.0)


async def test_calls_of_a_channel_never_exceed_its_slots_and_the_rest_waits_its_turn():
    bench = Bench(slots={"scripted": 3})
    for n in range(10):
        bench.submit(n, wait=True)
    await until(lambda: bench.action.inside == 3)
    assert (bench.dispatcher.free_slots("scripted"), bench.dispatcher.in_flight) == (0, 10)
    bench.action.gate.set()
    assert len(await bench.outcomes(10)) == 10
    assert bench.action.most_inside == 3
    assert (bench.dispatcher.free_slots("scripted"), bench.dispatcher.in_flight) == (3, 0)


async def test_channels_have_slots_of_their_own_64_unless_told():
    bench = Bench(slots={"slow": 1})
    bench.submit(1, channel="slow", wait=True)
    await until(lambda: bench.action.inside == 1)
    assert (bench.dispatcher.free_slots("slow"), bench.dispatcher.free_slots("sms")) == (0, 64)
    bench.submit(2, channel="sms")
    assert await bench.outcomes() == [("succeeded", None, False)]
    bench.action.gate.set()
    await bench.outcomes(2)


async def test_a_slot_is_free_when_its_report_is_handed_over():
    free = []
    bench = Bench(slots={"scripted": 1})
    bench.dispatcher._report = lambda report: free.append(bench.dispatcher.free_slots("scripted"))
    bench.submit()
    await until(lambda: free)
    assert free == [1]


async def test_no_call_starts_after_its_start_by():
    bench = Bench()
    bench.submit(start_in_ms=0)
    bench.submit(2, start_in_ms=-1)
    assert await bench.outcomes(2) == [("failed", "not_started", True)] * 2
    assert bench.action.calls == 0


async def test_an_attempt_that_gets_no_slot_in_time_was_surely_never_sent():
    bench = Bench(slots={"scripted": 1})
    bench.submit(1, wait=True)
    bench.submit(2, start_in_ms=50)
    assert await bench.outcomes() == [("failed", "not_started", True)]
    bench.action.gate.set()
    await bench.outcomes(2)
    assert bench.action.calls == 1


async def test_an_action_that_is_not_over_in_time_has_an_unknown_outcome_and_frees_its_slot():
    bench = Bench(slots={"scripted": 1})
    bench.submit(due_in_ms=50, wait=True)
    assert await bench.outcomes() == [("unknown", "timeout", False)]
    assert bench.dispatcher.free_slots("scripted") == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectionRefusedError(), ("failed", "connect_failed", True)),
        (TimeoutError(), ("unknown", "timeout", False)),
        (ConnectionResetError(), ("unknown", "connection_lost", False)),
        (KeyError("phone"), ("failed", "action_error", False)),
        (asyncio.CancelledError(), ("unknown", "action_cancelled", False)),
    ],
)
async def test_an_exception_is_an_outcome_and_no_slot_is_lost(error, outcome):
    bench = Bench(slots={"scripted": 1})
    bench.submit(**{"raise": error})
    assert await bench.outcomes() == [outcome]
    assert bench.dispatcher.free_slots("scripted") == 1


async def test_an_unknown_step_type_fails_and_names_what_there_is():
    bench = Bench()
    bench.submit(step_type="telegraph")
    assert await bench.outcomes() == [("failed", "no_such_action", False)]
    assert "'telegraph', only scripted" in bench.reports[0].message


async def test_a_report_that_can_not_be_taken_loses_no_slot():
    bench = Bench(slots={"scripted": 1})

    def broken(report):
        raise RuntimeError(report.message)

    bench.dispatcher._report = broken
    bench.submit()
    await until(lambda: bench.dispatcher.in_flight == 0)
    assert bench.dispatcher.free_slots("scripted") == 1


async def test_drain_lets_calls_in_flight_finish_and_starts_no_other():
    bench = Bench(slots={"scripted": 1})
    bench.submit(1, wait=True)
    await until(lambda: bench.action.inside == 1)
    bench.submit(2)
    draining = asyncio.create_task(bench.dispatcher.drain(10))
    assert await bench.outcomes() == [("failed", "not_started", True)]
    bench.action.gate.set()
    assert await draining == 0
    bench.submit(3)
    assert await bench.outcomes(3) == [
        ("failed", "not_started", True),
        ("succeeded", None, False),
        ("failed", "not_started", True),
    ]
    assert bench.action.calls == 1


async def test_drain_gives_up_calls_that_do_not_end_and_claims_nothing_about_them():
    bench = Bench()
    bench.submit(1, wait=True)
    await until(lambda: bench.action.inside == 1)
    assert await bench.dispatcher.drain(0) == 1
    assert (bench.reports, bench.dispatcher.in_flight) == ([], 0)


async def test_logs_hold_no_words_of_an_exception():
    bench = Bench()
    with capture_logs() as logs:
        bench.submit(**{"raise": ValueError("ann@example.org is no number")})
        await bench.outcomes()
    assert {entry["event"] for entry in logs} == {"action.raised", "attempt.ended"}
    assert "ann@" not in str(logs)
    assert "ann@example.org" in bench.reports[0].message


async def test_results_come_back_as_they_were_given():
    bench = Bench()
    given = ActionResult.failed("busy", "later", retryable=True, retry_after_ms=2_000)
    bench.submit(**{"return": given})
    await bench.outcomes()
    (report,) = bench.reports
    assert (report.code, report.message, report.retry_after_ms) == ("busy", "later", 2_000)


DOWN = ActionResult.failed("connect_failed", "nobody there", retryable=True, outage=True)


async def down(bench, calls=THRESHOLD):
    for n in range(1, calls + 1):
        bench.submit(n, **{"return": DOWN})
        await until(lambda n=n: len(bench.reports) == n)


async def test_failures_in_a_row_pause_the_channel_and_those_from_then_on_use_up_no_attempt():
    bench = Bench()
    await down(bench)
    assert (bench.dispatcher.free_slots("scripted"), bench.dispatcher.outages) == (0, {"scripted": "connect_failed"})
    assert [report.given_back for report in bench.reports] == [False] * (THRESHOLD - 1) + [True]


async def test_an_attempt_that_comes_while_the_channel_is_paused_is_not_called_and_is_given_back():
    bench = Bench()
    await down(bench)
    calls = bench.action.calls
    bench.submit(9)
    await until(lambda: len(bench.reports) == THRESHOLD + 1)
    report = bench.reports[-1]
    assert (report.code, report.retryable, report.given_back) == ("channel_paused", True, True)
    assert bench.action.calls == calls


async def test_the_channel_is_tried_again_drains_and_somebody_is_told_each_time_there_is_room():
    rooms = []
    bench = Bench(more_room=lambda: rooms.append(bench.dispatcher.free_slots("scripted")), drain_per_second=200)
    await down(bench)
    await until(lambda: 1 in rooms)
    bench.submit(8)
    await until(lambda: len(bench.reports) == THRESHOLD + 1)
    assert bench.reports[-1].outcome == "succeeded"
    await until(lambda: bench.dispatcher.outages == {})
    assert bench.dispatcher.free_slots("scripted") == 64


async def test_what_could_not_begin_in_time_uses_up_no_attempt():
    bench = Bench()
    bench.submit(start_in_ms=0)
    await until(lambda: bench.reports)
    assert (bench.reports[0].code, bench.reports[0].given_back) == ("not_started", True)


async def test_web_requests_are_never_paused_as_they_go_to_many():
    bench = Bench()
    for n in range(THRESHOLD + 1):
        bench.submit(n, channel="http", **{"return": DOWN})
    await until(lambda: len(bench.reports) == THRESHOLD + 1)
    assert (bench.dispatcher.free_slots("http"), bench.dispatcher.outages) == (64, {})
