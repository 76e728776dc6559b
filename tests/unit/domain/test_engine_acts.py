"""Acting: intents, attempts and outcomes; and the operator's commands about them."""

import pytest

from domain import command as c
from domain.outcomes import backoff_ms
from domain.workflow import Retry, Trigger
from tests.support.engine_spec import DAY_MS, Spec, entry, happened, step, workflow

SMS = workflow(step("hi", "send_sms", body="Hi {{first_name}}"), step("after", "delay"))
HTTP = workflow(step("call", "http_request"), step("after", "delay"))
DONE = (happened("step_completed"), happened("timer_set", step_id="after"))


def requested(flow=SMS):
    return Spec(flow).created()


def test_intent_comes_before_the_attempt_and_the_attempt_before_its_outcome():
    spec = requested()
    spec.then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        happened("action_requested", channel="sms", request__body="Hi Ada", request__to="+1555", tries=3),
    )
    key = spec.last[-1].action_key
    assert key == f"{spec.enrollment().id}/hi/1"
    spec.started().then(happened("attempt_started", attempt=1, action_key=key))
    spec.outcome("succeeded", provider_id="SM1").then(
        happened("attempt_succeeded", provider_id="SM1", action_key=key),
        happened("step_completed", step_id="hi", output__message_id="SM1"),
        happened("timer_set"),
    )


def test_attempt_is_started_once():
    spec = requested().started()
    spec.started().nothing()


def test_outcome_of_another_attempt_or_a_repeated_one_decides_nothing():
    spec = requested().started()
    spec.outcome("succeeded", attempt=2).nothing()
    spec.outcome("succeeded", action_key="other").nothing()
    enrollment, action = spec.enrollment(), spec.enrollment().action
    spec.outcome("succeeded")
    spec.command(
        c.ReportOutcome, enrollment_id=enrollment.id, action_key=action.key, attempt=1, outcome="failed"
    ).nothing()


def test_retryable_failure_is_tried_again_after_its_back_off():
    spec = requested().started()
    spec.outcome("failed", code="http_500", retryable=True).then(happened("attempt_failed", code="http_500"))
    wait_ms = spec.last[0].retry_at_ms - spec.now_ms
    assert 1_000 <= wait_ms <= 1_100
    spec.started().nothing()
    spec.timer(after_ms=wait_ms).then(happened("retry_due"))
    spec.started().then(happened("attempt_started", attempt=2))
    spec.outcome("failed", code="http_429", retryable=True, retry_after_ms=30_000)
    assert spec.last[0].retry_at_ms == spec.now_ms + 30_000
    spec.timer(after_ms=30_000).started().outcome("failed", code="http_500", retryable=True).then(
        happened("attempt_failed", attempt=3, retry_at_ms=None),
        happened("step_failed", code="http_500"),
        happened("incident_opened", code="http_500"),
    )
    assert spec.enrollment().status == "failed"


def test_back_off_doubles_up_to_its_bound_and_is_spread():
    action = requested().enrollment().action
    import msgspec

    waits = [backoff_ms(Retry(9, 1000, 8000), msgspec.structs.replace(action, attempt=n)) for n in range(1, 8)]
    for wait, base in zip(waits, (1000, 2000, 4000, 8000, 8000, 8000, 8000), strict=True):
        assert base <= wait <= base * 1.1
    assert len(set(waits[3:])) > 1
    assert backoff_ms(Retry(9, 1000, 8000, jitter_permille=0), action) == 1000
    assert {
        backoff_ms(Retry(9, 1000, 8000, 1000), msgspec.structs.replace(action, attempt=n)) // 8000 for n in range(4, 40)
    } == {1}


def test_terminal_failure_is_not_tried_again():
    requested().started().outcome("failed", code="twilio_21211", message="invalid number").then(
        happened("attempt_failed", retry_at_ms=None),
        happened("step_failed", code="twilio_21211", message="invalid number"),
        happened("incident_opened", code="twilio_21211"),
    )


def test_unknown_outcome_of_a_message_is_never_repeated_but_asked_about():
    spec = requested().started()
    spec.timer(after_ms=60_000).then(
        happened("attempt_unknown", code="no_answer"), happened("incident_opened", code="outcome_unknown")
    )
    assert spec.enrollment().status == "failed"


def test_unknown_outcome_of_a_web_request_is_repeated_with_the_same_key():
    spec = requested(HTTP).started()
    spec.outcome("unknown", code="reset").then(happened("attempt_unknown"))
    key = spec.last[0].action_key
    spec.timer(after_ms=2_000).started().then(happened("attempt_started", attempt=2, action_key=key))


def test_unknown_outcome_is_repeated_no_sooner_than_the_report_says():
    spec = Spec(workflow(step("hook", "http_request"))).created().started()
    spec.outcome("unknown", code="reset", retry_after_ms=30_000)
    spec.then(happened("attempt_unknown", retry_at_ms=spec.now_ms + 30_000))


def test_late_outcome_settles_an_unknown_attempt_and_its_incident():
    spec = requested().started().timer(after_ms=60_000)
    spec.outcome("succeeded", provider_id="SM9").then(
        happened("incident_resolved", resolution="outcome"),
        happened("enrollment_retried", how="succeeded"),
        happened("attempt_succeeded", provider_id="SM9"),
        *DONE,
    )


def test_late_failure_of_an_unknown_attempt_leaves_the_incident_to_the_operator():
    spec = requested().started().timer(after_ms=60_000)
    spec.outcome("failed", code="refused").then(happened("attempt_failed", code="refused"))
    assert spec.enrollment().status == "failed"
    spec.on_enrollment(c.RetryEnrollment, how="again")
    spec.started().then(happened("attempt_started", attempt=2))


@pytest.mark.parametrize(
    ("how", "settled"),
    [("succeeded", happened("step_completed", step_id="hi")), ("skip", happened("step_skipped", reason="operator"))],
)
def test_operator_settles_an_incident(how, settled):
    spec = requested().started().outcome("failed", code="x")
    spec.on_enrollment(c.RetryEnrollment, how=how).then(
        happened("command_resulted", result="accepted"),
        happened("incident_resolved", resolution=how),
        happened("enrollment_retried", how=how),
        settled,
        happened("timer_set", step_id="after"),
    )


def test_retry_again_gives_the_policy_its_attempts_back():
    spec = requested().started().outcome("failed", code="x", retryable=False)
    spec.on_enrollment(c.RetryEnrollment, how="again")
    spec.started().outcome("failed", code="y", retryable=True)
    assert spec.last[0].retry_at_ms is not None


def test_retry_is_refused_when_nothing_failed_or_the_word_is_wrong():
    spec = requested()
    spec.on_enrollment(c.RetryEnrollment).then(happened("command_resulted", result="rejected", code="conflict"))
    spec.on_enrollment(c.RetryEnrollment, how="maybe").then(happened("command_resulted", code="invalid"))


def test_cancel_ends_a_wait():
    spec = Spec(workflow(step("wait", "delay"))).created()
    spec.on_enrollment(c.CancelEnrollment).then(
        happened("command_resulted", result="accepted"), happened("enrollment_cancelled", reason="operator")
    )
    assert spec.state.enrollments == {}


def test_cancel_with_a_call_on_its_way_still_takes_its_outcome():
    spec = requested().started()
    spec.on_enrollment(c.CancelEnrollment)
    spec.outcome("succeeded", provider_id="SM1").then(happened("attempt_succeeded", provider_id="SM1"))
    assert spec.state.enrollments == {}


def test_cancel_with_a_call_on_its_way_that_never_answers_is_unknown():
    spec = requested().started()
    enrollment_id = spec.enrollment().id
    spec.on_enrollment(c.CancelEnrollment)
    from domain.engine import TimerDue

    spec.when(TimerDue(contact_id="ada", enrollment_id=enrollment_id), after_ms=60_000)
    spec.then(happened("attempt_unknown"))
    assert spec.state.enrollments == {}


def test_cancel_of_a_failed_enrollment_closes_its_incident():
    spec = requested().started().outcome("failed", code="x")
    spec.on_enrollment(c.CancelEnrollment).then(
        happened("command_resulted"),
        happened("incident_resolved", resolution="cancelled"),
        happened("enrollment_cancelled"),
    )


def test_command_on_an_ended_enrollment_is_refused():
    spec = Spec(workflow(step("leave", "exit"))).created()
    ended = spec.last[1].enrollment_id
    for kind in (c.CancelEnrollment, c.PauseEnrollment, c.ResumeEnrollment, c.RetryEnrollment):
        spec.command(kind, enrollment_id=ended).then(happened("command_resulted", result="rejected", code="conflict"))


def test_pause_holds_a_timer_and_resume_shifts_it():
    spec = Spec(workflow(step("wait", "delay"))).created()
    due = spec.enrollment().timer.due_at_ms
    spec.on_enrollment(c.PauseEnrollment, after_ms=1_000)
    spec.timer(after_ms=DAY_MS).nothing()
    spec.on_enrollment(c.ResumeEnrollment).then(
        happened("command_resulted"), happened("enrollment_resumed", shift_ms=DAY_MS)
    )
    assert spec.enrollment().timer.due_at_ms == due + DAY_MS


def test_pause_lets_an_open_call_finish_and_resume_goes_on_from_there():
    spec = requested().started()
    spec.on_enrollment(c.PauseEnrollment)
    spec.outcome("succeeded").then(happened("attempt_succeeded"), happened("step_completed", step_id="hi"))
    spec.on_enrollment(c.ResumeEnrollment).then(
        happened("command_resulted"), happened("enrollment_resumed"), happened("timer_set", step_id="after")
    )


def test_failure_while_paused_is_settled_on_resume():
    spec = requested().started()
    spec.on_enrollment(c.PauseEnrollment)
    spec.outcome("failed", code="x").then(happened("attempt_failed"))
    assert spec.enrollment().status == "paused"
    spec.on_enrollment(c.ResumeEnrollment).then(
        happened("command_resulted"),
        happened("enrollment_resumed"),
        happened("step_failed", code="x"),
        happened("incident_opened", code="x"),
    )


def test_unknown_message_while_paused_becomes_an_incident_on_resume():
    spec = requested().started()
    spec.on_enrollment(c.PauseEnrollment)
    spec.timer(after_ms=60_000).then(happened("attempt_unknown"))
    spec.on_enrollment(c.ResumeEnrollment)
    assert spec.last[-1].code == "outcome_unknown"


def test_paused_enrollment_starts_no_attempt():
    spec = requested()
    spec.on_enrollment(c.PauseEnrollment)
    spec.started().nothing()
    spec.on_enrollment(c.ResumeEnrollment)
    spec.started().then(happened("attempt_started"))


def test_workflow_pause_and_resume_reach_open_enrollments():
    flow = workflow(step("wait", "delay"))
    spec = Spec(flow).created()
    due, paused_at = spec.enrollment().timer.due_at_ms, spec.now_ms + 500
    spec.with_catalogue(entry(flow, status="paused", paused_at_ms=paused_at))
    spec.reconciled(after_ms=2_000).then(happened("enrollment_paused", by="workflow", paused_at_ms=paused_at))
    spec.reconciled().nothing()
    spec.with_catalogue(entry(flow, paused_at_ms=paused_at, resumed_at_ms=paused_at + 10_000))
    spec.reconciled(after_ms=20_000).then(happened("enrollment_resumed", shift_ms=10_000))
    assert spec.enrollment().timer.due_at_ms == due + 10_000


def test_resume_of_the_workflow_leaves_what_the_operator_paused():
    flow = workflow(step("wait", "delay"))
    spec = Spec(flow).created()
    spec.on_enrollment(c.PauseEnrollment)
    spec.with_catalogue(entry(flow, status="paused", paused_at_ms=spec.now_ms)).reconciled().nothing()
    spec.with_catalogue(entry(flow, resumed_at_ms=spec.now_ms)).reconciled().nothing()
    assert spec.enrollment().status == "paused"


def test_publish_pin_leaves_contacts_on_their_version():
    first = workflow(step("wait", "delay"), step("old", "add_tag", tag="old"))
    second = workflow(step("wait", "delay"), step("new", "add_tag", tag="new"), version=2)
    spec = Spec(first).created().with_catalogue(entry(second, first))
    spec.timer(after_ms=DAY_MS)
    assert spec.state.contact.tags == ("old",)


def test_publish_cancel_ends_older_versions():
    first = workflow(step("wait", "delay"))
    second = workflow(step("wait", "delay"), version=2)
    spec = Spec(first).created().with_catalogue(entry(second, first, in_flight={1: None}))
    spec.reconciled().then(happened("enrollment_cancelled", reason="publish"))


def test_publish_migrate_goes_on_at_the_step_of_the_same_id():
    first = workflow(step("wait", "delay"), step("old", "add_tag", tag="old"))
    second = workflow(step("wait", "delay"), step("new", "add_tag", tag="new"), version=2)
    spec = Spec(first).created().with_catalogue(entry(second, first, in_flight={1: 2}))
    spec.reconciled().then(happened("enrollment_migrated", version=2))
    spec.timer(after_ms=DAY_MS)
    assert spec.state.contact.tags == ("new",)


def test_publish_migrate_without_that_step_stays_on_its_version():
    first = workflow(step("wait", "delay"), step("old", "add_tag", tag="old"))
    second = workflow(step("other", "delay"), version=2, triggers=(Trigger("manual"),))
    spec = Spec(first).created().with_catalogue(entry(second, first, in_flight={1: 2}))
    spec.reconciled().nothing()
    spec.timer(after_ms=DAY_MS)
    assert spec.state.contact.tags == ("old",)
