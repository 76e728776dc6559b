"""Asking: an unknown outcome of a message is asked about in rounds; a find is proof, the lack of one is none."""

import pytest

from domain import command as c
from domain.asking import ASK_AFTER_MS, MOST_QUESTIONS
from domain.engine import StartAttempt
from domain.workflow import Retry
from tests.support.engine_spec import Spec, happened, step, workflow

ASKED = (happened("outcome_asked"),)
DONE = (happened("attempt_succeeded"), happened("step_completed"), happened("timer_set"))
STILL = happened("attempt_unknown", code="reset")


def flow(kind="send_sms", **of_step):
    return workflow(step("hi", kind, **of_step), step("after", "delay"))


def unknown(**of_step):
    """An attempt whose outcome nobody knows."""
    spec = Spec(flow(**of_step), ask_after_ms=ASK_AFTER_MS).created().started()
    return spec.outcome("unknown", code="reset", message="the line broke")


def asked(round_=0, **of_step):
    """And the question about it is put, after so many that were answered."""
    spec = unknown(**of_step)
    for after_ms in ASK_AFTER_MS[:round_]:
        spec.timer(after_ms=after_ms).answer("not_found")
    return spec.timer(after_ms=ASK_AFTER_MS[round_])


def test_the_provider_is_asked_before_a_person_is():
    spec = unknown().then(STILL)
    assert spec.last[0].ask_at_ms == spec.now_ms + ASK_AFTER_MS[0]
    assert spec.enrollment().status == "active"
    spec.timer(after_ms=ASK_AFTER_MS[0] - 1).nothing()
    spec.timer(after_ms=1).then(happened("outcome_asked", attempt=1, question=1))


def test_a_find_is_proof():
    asked().outcome("succeeded", question=1, provider_id="SM1").then(*DONE)


def test_each_answer_that_it_knows_nothing_ends_a_round_and_the_last_one_asks_a_person():
    spec = unknown()
    for number, after_ms in enumerate(ASK_AFTER_MS, start=1):
        spec.timer(after_ms=after_ms).then(happened("outcome_asked", question=number))
        spec.answer("not_found", message="none listed")
    spec.then(
        happened("attempt_unknown", code="reset", question=3, answered=3),
        happened("incident_opened", code="outcome_unknown"),
    )
    words = spec.last[-1].personal.message
    assert words.startswith("it is unknown whether the provider took it")
    assert "(none listed)" in words
    assert "retry as `succeeded`, `again` or `skip`" in words
    assert spec.enrollment().status == "failed"


def test_a_question_that_is_not_answered_is_put_again_later_each_time_and_ends_no_round():
    spec = unknown()
    pause_ms = ASK_AFTER_MS[0]
    for number in range(1, 4):
        spec.timer(after_ms=pause_ms).then(happened("outcome_asked", question=number))
        spec.timer(after_ms=30_000).then(happened("attempt_unknown", question=number))
        pause_ms = spec.last[0].ask_at_ms - spec.now_ms
        assert pause_ms == ASK_AFTER_MS[0] << number
    spec.timer(after_ms=pause_ms).answer("not_found").then(happened("attempt_unknown", answered=1))


def test_a_provider_that_never_answers_is_not_asked_for_ever():
    spec = unknown()
    questions = 0
    while spec.enrollment().status == "active":
        spec.timer(after_ms=900_000).then(*ASKED).answer("no_answer")
        questions += 1
    assert questions == MOST_QUESTIONS
    assert spec.last[-1].code == "outcome_unknown"


def test_where_there_is_nobody_to_ask_a_person_is_asked_at_once():
    asked().answer("cannot_ask").then(STILL, happened("incident_opened", code="outcome_unknown"))


def test_an_answer_to_an_earlier_question_and_one_that_comes_too_late_decide_nothing():
    spec = asked(round_=1)
    spec.answer("not_found", question=1).nothing()
    spec.answer("not_found").answer("not_found").nothing()


def test_the_call_may_still_report_and_a_callback_may_still_come():
    asked().outcome("succeeded", provider_id="SM1").then(*DONE)
    spec = unknown()
    delivered = {"action_key": spec.enrollment().action.key, "step_id": "hi", "visit": 1}
    spec.on_enrollment(c.ReportDelivery, **delivered, channel="sms", status="sent", recipient="+1555")
    spec.then(*DONE[:2], happened("delivery_reported"), DONE[2])


def test_a_failure_that_is_certain_after_all_is_a_failure():
    asked(on_failure="continue").outcome("failed", code="refused").then(
        happened("attempt_failed", code="refused"), happened("step_failed", goes_on=True), happened("timer_set")
    )


def test_policy_retry_repeats_a_message_once_the_provider_knows_nothing_of_it():
    spec = asked(round_=2, when_unknown="retry").answer("not_found").then(STILL)
    assert spec.last[0].retry_at_ms is not None
    spec.timer(after_ms=2_000).then(happened("retry_due"))
    spec.started().then(happened("attempt_started", attempt=2))
    action = spec.enrollment().action
    assert (action.asked, action.answered) == (0, 0)


def test_policy_retry_without_a_try_left_asks_a_person():
    spec = asked(round_=2, when_unknown="retry", retry=Retry(max_attempts=1)).answer("not_found")
    spec.then(STILL, happened("incident_opened", code="outcome_unknown"))


def test_a_web_request_is_repeated_and_nobody_is_asked():
    spec = unknown(kind="http_request").then(STILL)
    assert (spec.last[0].ask_at_ms, spec.last[0].retry_at_ms is None) == (None, False)


def test_policy_never_twice_leaves_a_web_request_to_a_person():
    spec = unknown(kind="http_request", when_unknown="never_twice", on_failure="continue").then(STILL)
    spec.timer(after_ms=ASK_AFTER_MS[0]).answer("cannot_ask")
    spec.then(STILL, happened("incident_opened", code="outcome_unknown"))


def test_a_pause_holds_the_next_question_and_resuming_puts_it():
    spec = unknown()
    spec.on_enrollment(c.PauseEnrollment)
    spec.timer(after_ms=60_000).nothing()
    spec.on_enrollment(c.ResumeEnrollment).then(happened("command_resulted"), happened("enrollment_resumed"))
    spec.timer(after_ms=ASK_AFTER_MS[0]).then(*ASKED)


def cancelled(spec):
    return spec.on_enrollment(c.CancelEnrollment)


CANCELLED = (happened("command_resulted"), happened("enrollment_cancelled"))


def test_a_cancelled_enrollment_does_not_end_the_asking_the_message_may_have_gone_out():
    spec = cancelled(unknown()).then(*CANCELLED)
    spec.timer(after_ms=ASK_AFTER_MS[0]).then(happened("outcome_asked", question=1))
    spec.outcome("succeeded", question=1, provider_id="SM1").then(happened("attempt_succeeded", provider_id="SM1"))
    assert spec.state.enrollments == {}


def test_an_enrollment_that_is_cancelled_over_a_question_hears_its_answer():
    spec = cancelled(asked()).then(*CANCELLED)
    spec.answer("not_found").then(STILL)
    spec.timer(after_ms=ASK_AFTER_MS[1]).then(happened("outcome_asked", question=2))


def test_an_enrollment_that_is_cancelled_over_its_attempt_is_asked_about_like_any_other():
    spec = cancelled(Spec(flow(), ask_after_ms=ASK_AFTER_MS).created().started()).then(*CANCELLED)
    spec.timer(after_ms=60_000).then(happened("attempt_unknown", code="no_answer"))
    spec.timer(after_ms=ASK_AFTER_MS[0]).then(happened("outcome_asked"))


def test_a_pause_does_not_hold_the_questions_about_what_was_cancelled_over_it():
    spec = unknown()
    spec.on_enrollment(c.PauseEnrollment)
    cancelled(spec).timer(after_ms=ASK_AFTER_MS[0]).then(happened("outcome_asked"))


@pytest.mark.parametrize("when_unknown", ["never_twice", "retry"])
def test_what_stays_unknown_of_a_cancelled_enrollment_is_neither_repeated_nor_anybodys_work(when_unknown):
    spec = cancelled(unknown(when_unknown=when_unknown))
    for after_ms in ASK_AFTER_MS:
        spec.timer(after_ms=after_ms).answer("not_found")
    spec.then(happened("attempt_unknown", answered=3, ask_at_ms=None, retry_at_ms=None))
    assert spec.state.enrollments == {}


def test_a_cancelled_web_request_is_not_asked_about_since_asking_would_be_repeating():
    spec = cancelled(Spec(flow("http_request"), ask_after_ms=ASK_AFTER_MS).created().started())
    spec.timer(after_ms=60_000).then(happened("attempt_unknown", ask_at_ms=None, retry_at_ms=None))
    assert spec.state.enrollments == {}


def test_an_answer_counts_while_the_enrollment_stands_still():
    spec = asked()
    spec.on_enrollment(c.PauseEnrollment)
    spec.outcome("succeeded", question=1).then(happened("attempt_succeeded"), happened("step_completed"))


def test_a_repair_waits_for_the_answer():
    spec = asked()
    spec.on_enrollment(c.RepairEnrollment, step_id="hi", visit=1, how="skip", after_ms=60_000)
    spec.then(happened("command_resulted", result="rejected", code="conflict"))


@pytest.mark.parametrize("again", [True, False])
def test_messages_of_other_attempts_that_succeeded_meanwhile_are_no_find(again):
    other = workflow(step("same", "send_sms"), id="w2", triggers=())
    spec = Spec(flow(), other, ask_after_ms=ASK_AFTER_MS).created().started()
    spec.outcome("unknown", code="reset")
    one = spec.enrollment("w")
    spec.command(c.EnrollContact, workflow_id="w2")
    two = spec.enrollment("w2")
    spec.when(StartAttempt(contact_id="ada", enrollment_id=two.id, start_by_ms=0, deadline_ms=spec.now_ms + 60_000))
    report = {"enrollment_id": two.id, "action_key": two.action.key, "attempt": 1}
    spec.command(c.ReportOutcome, **report, outcome="succeeded", provider_id="SM2" if again else None)
    assert spec.state.enrollments[one.id].action.rivals == (("SM2",) if again else ())


def test_a_failure_that_is_given_back_leaves_the_policy_its_attempts():
    spec = Spec(flow(retry=Retry(max_attempts=1))).created()
    for attempt in range(1, 5):
        spec.started().outcome("failed", code="channel_paused", retryable=True, given_back=True)
        spec.then(happened("attempt_failed", attempt=attempt, given_back=True))
        wait_ms = spec.last[0].retry_at_ms - spec.now_ms
        assert 1_000 <= wait_ms <= 1_100
        spec.timer(after_ms=wait_ms)
    spec.started().outcome("failed", code="http_500", retryable=True)
    spec.then(happened("attempt_failed"), happened("step_failed"), happened("incident_opened", code="http_500"))
