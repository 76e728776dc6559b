"""DESIGN 5.2 and 5.6, what becomes of a failure, of an unknown outcome, and of an operator's hand in it."""

import time

import pytest

from tests.support.dev_process import eventually
from tests.support.headrace import at, fresh, step


def test_failures_that_may_pass_are_tried_three_times(headrace):
    phone = "+15552220001"
    headrace.fault(channel="sms", to=phone, kind="status", status=503, times=2)
    workflow = headrace.workflow(step("hi", "send_sms", body="x", retry={"backoff": "10ms"}))
    enrollment = headrace.run(workflow, headrace.contact(phone=phone))
    assert [one["status"] for one in headrace.requests(enrollment)] == [503, 503, 201]
    assert headrace.execution(enrollment, "hi")["attempts"] == 3
    assert len(headrace.messages(enrollment)) == 1


def test_too_many_requests_waits_as_long_as_the_provider_asks(hasty):
    phone = "+15552220002"
    hasty.fault(channel="sms", to=phone, kind="status", status=429, retry_after=1, times=1)
    workflow = hasty.workflow(step("hi", "send_sms", body="x"))
    enrollment = hasty.run(workflow, hasty.contact(phone=phone))
    first, second = hasty.requests(enrollment)
    assert (at(second["at"]) - at(first["at"])).total_seconds() >= 1, "the provider's second is a real one"


def test_max_attempts_and_refusals_that_stand(headrace):
    phone = "+15552220003"
    headrace.fault(channel="sms", to=phone, kind="status", status=500)
    workflow = headrace.workflow(step("hi", "send_sms", body="x", retry={"max_attempts": 2, "backoff": "1ms"}))
    enrollment = headrace.run(workflow, headrace.contact(phone=phone), "failed")
    assert len(headrace.requests(enrollment)) == 2
    refused = headrace.run(workflow, headrace.contact(phone="+15005550001"), "failed")
    assert len(headrace.requests(refused)) == 1, "a number that is none stays none"
    failed = headrace.execution(refused, "hi")
    assert (failed["status"], failed["attempts"]) == ("failed", 1)
    assert failed["error_message"]
    incident = headrace.incident(refused)
    assert incident["status"] == "open"
    assert incident["step_id"] == "hi"
    assert "21211" in incident["code"]


@pytest.mark.parametrize(
    ("on_failure", "status", "path"),
    [
        (None, "failed", ["hi"]),
        ("incident", "failed", ["hi"]),
        ("continue", "completed", ["hi", "next", "other"]),
        ("exit", "exited", ["hi"]),
        ("other", "completed", ["hi", "other"]),
    ],
)
@pytest.mark.parametrize("by", ["step", "defaults"])
def test_on_failure(headrace, by, on_failure, status, path):
    given = {} if on_failure is None else {"on_failure": on_failure}
    workflow = headrace.workflow(
        step("hi", "send_sms", body="x", **(given if by == "step" else {})),
        step("next", "add_tag", tag="n"),
        step("other", "add_tag", tag="o"),
        **({"defaults": given} if by == "defaults" else {}),
    )
    enrollment = headrace.run(workflow, headrace.contact(phone="+15005550001"), status)
    assert headrace.path(enrollment) == path
    assert headrace.execution(enrollment, "hi")["status"] == "failed"
    assert bool(enrollment["exit_reason"]) == (on_failure == "exit")


def test_contact_without_a_phone_fails_the_step(headrace):
    enrollment = headrace.run(
        headrace.workflow(step("hi", "send_sms", body="x")), headrace.contact(phone=None), "failed"
    )
    assert headrace.incident(enrollment)["code"] == "no_phone"
    enrollment = headrace.run(
        headrace.workflow(step("hi", "send_email", subject="s", body="x")), headrace.contact(email=None), "failed"
    )
    assert headrace.incident(enrollment)["code"] == "no_email"


def test_unknown_outcome_of_a_message_is_never_repeated_by_itself(headrace):
    """The connection breaks, and no callback tells that the provider took it: who repeats might send twice."""
    phone = "+15552220004"
    headrace.fault(channel="sms", to=phone, kind="reset_before_accept", times=1)
    workflow = headrace.workflow(step("hi", "send_sms", body="x", retry={"backoff": "1ms"}, on_failure="continue"))
    enrollment = headrace.run(workflow, headrace.contact(phone=phone), "failed")
    assert headrace.incident(enrollment)["code"] == "outcome_unknown"
    assert len(headrace.requests(enrollment)) == 1
    headrace.post(f"/enrollments/{enrollment['id']}/retry", {"as": "succeeded"})
    headrace.until(enrollment["id"], "completed")
    assert len(headrace.requests(enrollment)) == 1


def test_unknown_outcome_of_a_web_request_is_repeated_with_the_same_key(allowing):
    path = f"/http/{fresh('reset')}"
    allowing.fault(channel="http", to=path, kind="reset_after_accept", times=1)
    workflow = allowing.workflow(step("call", "http_request", url=allowing.sandbox + path, retry={"backoff": "10ms"}))
    enrollment = allowing.run(workflow)
    keys = [one["action_key"] for one in allowing.requests(enrollment)]
    assert keys == [f"{enrollment['id']}/call/1"] * 2


@pytest.mark.parametrize(
    ("how", "path", "sent"), [("again", ["hi", "t"], 1), ("succeeded", ["hi", "t"], 0), ("skip", ["hi", "t"], 0)]
)
def test_retry_brings_a_failed_enrollment_back(headrace, how, path, sent):
    phone = f"+1555333000{len(how)}"
    headrace.fault(channel="sms", to=phone, kind="status", status=400, times=1)
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), step("t", "add_tag", tag="t"))
    enrollment = headrace.run(workflow, headrace.contact(phone=phone), "failed")
    incident = headrace.incident(enrollment)
    headrace.post(f"/enrollments/{enrollment['id']}/retry", {"as": how})
    headrace.until(enrollment["id"], "completed")
    assert headrace.path(enrollment) == path
    assert headrace.execution(enrollment, "hi")["status"] == ("skipped" if how == "skip" else "completed")
    assert len(headrace.messages(enrollment)) == sent
    resolved = headrace.get(f"/incidents/{incident['id']}")
    assert resolved["status"] == "resolved"
    assert resolved["resolved_at"] is not None
    headrace.post(f"/enrollments/{enrollment['id']}/retry", {"as": how}, expect=409)


# ---------------------------------------------------------------- an operator's hand


def test_cancel_ends_at_once_and_a_cancelled_wait_is_skipped(headrace):
    enrollment = headrace.enrol(headrace.workflow(step("wait", "delay")), headrace.contact())
    ended = headrace.post(f"/enrollments/{enrollment['id']}/cancel", {"reason": "moved away"})
    assert (ended["status"], ended["exit_reason"]) == ("cancelled", "moved away")
    assert (ended["next_action_at"], ended["current_step"]) == (None, None)
    assert headrace.execution(enrollment, "wait")["status"] == "skipped"
    for verb in ("cancel", "pause", "resume", "retry"):
        problem = headrace.post(f"/enrollments/{enrollment['id']}/{verb}", expect=409)
        assert problem["code"] == "conflict"


def test_paused_enrollment_stands_still_and_its_timer_shifts(headrace):
    enrollment = headrace.enrol(headrace.workflow(step("wait", "delay", duration=1, unit="hours")), headrace.contact())
    before = at(enrollment["next_action_at"])
    path = f"/enrollments/{enrollment['id']}"
    assert headrace.post(f"{path}/pause")["status"] == "paused"
    headrace.post(f"{path}/pause", expect=409)
    time.sleep(0.3)  # it is this time by which the timer shifts
    resumed = headrace.post(f"{path}/resume")
    assert resumed["status"] == "active"
    assert (at(resumed["next_action_at"]) - before).total_seconds() >= 0.3
    wait = headrace.execution(enrollment, "wait")
    assert at(wait["output_data"]["delay_until"]) == at(resumed["next_action_at"])
    headrace.post(f"{path}/resume", expect=409)


def test_timer_that_falls_due_in_a_pause_waits_for_the_end_of_it(hasty):
    workflow = hasty.workflow(step("wait", "delay", duration=1, unit="days"), step("t", "add_tag", tag="t"))
    enrollment = hasty.enrol(workflow, hasty.contact())
    hasty.post(f"/enrollments/{enrollment['id']}/pause")
    other = hasty.run(hasty.workflow(step("w", "delay", duration=1.5, unit="days")))  # so long has the other one stood
    assert hasty.get(f"/enrollments/{enrollment['id']}")["status"] == "paused"
    assert hasty.path(other) == ["w"]
    hasty.post(f"/enrollments/{enrollment['id']}/resume")
    hasty.until(enrollment["id"], "completed")
    assert hasty.path(enrollment) == ["wait", "t"]


def test_message_of_a_closed_enrollment_is_sent_by_nobody(headrace):
    """A cancelled enrollment in back-off makes no further attempt."""
    phone = "+15552220009"
    headrace.fault(channel="sms", to=phone, kind="status", status=500, times=1)
    workflow = headrace.workflow(step("hi", "send_sms", body="x", retry={"backoff": "300ms"}))
    enrollment = headrace.enrol(workflow, headrace.contact(phone=phone))
    eventually(lambda: headrace.get(f"/enrollments/{enrollment['id']}")["next_action_at"], "the back-off")
    headrace.post(f"/enrollments/{enrollment['id']}/cancel")
    headrace.run(headrace.workflow(step("w", "delay", duration=0.5)))
    assert len(headrace.requests(enrollment)) == 1
