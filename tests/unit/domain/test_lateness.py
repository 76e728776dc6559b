"""Lateness: a step that runs later than its definition allows is skipped, or ends the enrollment, or is held."""

import pytest

from domain import command as c
from domain.conditions import Comparison
from domain.workflow import Lateness, Retry
from tests.support.engine_spec import DAY_MS, Spec, entry, happened, step, workflow

HOUR_MS = 3_600_000
SKIP = Lateness(HOUR_MS, "skip")
EXIT = Lateness(HOUR_MS, "exit")
RUN = Lateness(HOUR_MS, "run")


def reminder(*, wait=None, sms=None, **spec):
    """A day's wait, a message, and a mark that it got so far."""
    return Spec(
        workflow(
            step("wait", "delay", lateness=wait),
            step("remind", "send_sms", lateness=sms),
            step("end", "add_tag", tag="x"),
        ),
        **spec,
    ).created()


def names(spec):
    return [event.__struct_config__.tag for event in spec.last]


# ---------------------------------------------------------------- waits


def test_wait_that_ends_in_time_is_not_late():
    reminder(wait=SKIP).timer(after_ms=DAY_MS + HOUR_MS).then(
        happened("step_completed", step_id="wait"), happened("action_requested", step_id="remind")
    )


def test_late_wait_is_skipped_and_the_enrollment_goes_on():
    reminder(wait=SKIP).timer(after_ms=DAY_MS + HOUR_MS + 1).then(
        happened("step_skipped", step_id="wait", reason="late", next_step="remind"),
        happened("action_requested", step_id="remind"),
    )


def test_late_wait_may_end_the_enrollment():
    spec = reminder(wait=EXIT).timer(after_ms=DAY_MS + HOUR_MS + 1)
    spec.then(
        happened("step_skipped", step_id="wait", reason="late"), happened("enrollment_exited", reason="late: wait")
    )
    assert spec.state.enrollments == {}


def test_late_wait_without_a_rule_runs():
    reminder().timer(after_ms=30 * DAY_MS).then(happened("step_completed"), happened("action_requested"))


def test_pause_makes_nothing_late():
    spec = reminder(wait=SKIP).on_enrollment(c.PauseEnrollment)
    spec.on_enrollment(c.ResumeEnrollment, after_ms=7 * DAY_MS)
    spec.timer(after_ms=DAY_MS).then(happened("step_completed", step_id="wait"), happened("action_requested"))


# ---------------------------------------------------------------- the steps after a late wait


def test_step_after_a_late_wait_is_as_late_as_that():
    reminder(sms=SKIP).timer(after_ms=DAY_MS + HOUR_MS + 1).then(
        happened("step_completed", step_id="wait"),
        happened("step_skipped", step_id="remind", visit=1, reason="late", next_step="end"),
        happened("contact_changed"),
        happened("step_completed", step_id="end"),
        happened("enrollment_completed"),
    )


def test_step_after_a_late_wait_may_end_the_enrollment():
    spec = reminder(sms=EXIT).timer(after_ms=2 * DAY_MS)
    assert names(spec) == ["step_completed", "step_skipped", "enrollment_exited"]
    assert spec.last[-1].reason == "late: remind"


def test_step_that_may_run_however_late_runs():
    reminder(sms=RUN).timer(after_ms=9 * DAY_MS).then(happened("step_completed"), happened("action_requested"))


def test_wait_after_a_late_one_begins_anew_and_clears_the_lateness():
    late = Lateness(HOUR_MS, "skip")
    spec = Spec(
        workflow(step("first", "delay", lateness=late), step("second", "delay", lateness=late), step("sms", "send_sms", lateness=late))
    ).created()  # fmt: skip
    spec.timer(after_ms=2 * DAY_MS).then(
        happened("step_skipped", step_id="first", reason="late"),
        happened("timer_set", step_id="second", due_at_ms=spec.now_ms + DAY_MS),
    )
    spec.timer(after_ms=DAY_MS).then(happened("step_completed", step_id="second"), happened("action_requested"))


def test_late_condition_is_skipped_along_next():
    reply = Comparison("last_sms_reply", "exists")
    spec = Spec(
        workflow(
            step("wait", "delay"),
            step("check", "condition", test=reply, branches={"true": "yes", "false": None}, lateness=SKIP),
            step("yes", "add_tag", tag="x"),
        )
    ).created()
    spec.timer(after_ms=2 * DAY_MS)
    assert (spec.last[1].reason, spec.last[1].next_step) == ("late", "yes")


# ---------------------------------------------------------------- actions that wait for their attempt


def sending(lateness=SKIP, **spec):
    return Spec(workflow(step("sms", "send_sms", lateness=lateness), step("end", "add_tag", tag="x")), **spec).created()


def test_action_whose_attempt_begins_in_time_is_sent():
    spec = sending()
    spec.now_ms += HOUR_MS
    spec.started().then(happened("attempt_started", attempt=1))


def test_action_that_waited_too_long_for_its_attempt_is_skipped():
    spec = sending()
    spec.now_ms += HOUR_MS + 1
    spec.started().then(
        happened("step_skipped", step_id="sms", reason="late", next_step="end"),
        happened("contact_changed"),
        happened("step_completed", step_id="end"),
        happened("enrollment_completed"),
    )


def test_lateness_of_the_wait_and_of_the_action_add_up():
    spec = reminder(sms=SKIP).timer(after_ms=DAY_MS + HOUR_MS // 2)
    spec.now_ms += HOUR_MS // 2 + 1
    assert names(spec.started())[0] == "step_skipped"


def test_back_off_is_no_lateness_but_a_retry_that_nobody_made_in_time_is():
    retry = Retry(max_attempts=3, backoff_ms=5 * HOUR_MS, max_backoff_ms=5 * HOUR_MS)

    def failed_once():
        spec = Spec(workflow(step("sms", "send_sms", retry=retry, lateness=SKIP))).created().started()
        return spec.outcome("failed", code="busy", retryable=True)

    spec = failed_once()
    due_in_ms = spec.enrollment().timer.due_at_ms - spec.now_ms
    spec.timer(after_ms=due_in_ms).then(happened("retry_due"))
    spec.started().then(happened("attempt_started", attempt=2))
    late = failed_once()
    late.timer(after_ms=due_in_ms + HOUR_MS + 1).then(happened("retry_due"))
    late.started().then(happened("step_skipped", reason="late"), happened("enrollment_completed"))


def test_paused_action_is_not_late_when_it_goes_on():
    spec = sending().on_enrollment(c.PauseEnrollment)
    spec.on_enrollment(c.ResumeEnrollment, after_ms=7 * DAY_MS)
    spec.started().then(happened("attempt_started"))


def test_retry_by_an_operator_is_not_late():
    spec = sending().started().outcome("failed", code="refused")
    spec.on_enrollment(c.RetryEnrollment, how="again", after_ms=7 * DAY_MS)
    spec.started().then(happened("attempt_started", attempt=2))


def test_deadline_is_never_late():
    spec = reminder(sms=SKIP, hold_late_ms=1).timer(after_ms=DAY_MS).started()
    spec.timer(after_ms=30 * DAY_MS)
    assert names(spec) == ["attempt_unknown", "incident_opened"]


# ---------------------------------------------------------------- held by the engine's own setting


def test_late_wait_without_a_rule_is_held_when_the_engine_is_told_to():
    spec = reminder(hold_late_ms=HOUR_MS)
    due_at_ms = spec.enrollment().timer.due_at_ms
    spec.timer(after_ms=DAY_MS + HOUR_MS + 1).then(
        happened("enrollment_held", step_id="wait", visit=1, due_at_ms=due_at_ms)
    )
    held = spec.enrollment()
    assert (held.status, held.paused_by) == ("paused", "lateness")


def test_nothing_is_held_within_the_setting():
    reminder(hold_late_ms=HOUR_MS).timer(after_ms=DAY_MS + HOUR_MS).then(
        happened("step_completed"), happened("action_requested")
    )


def test_late_action_without_a_rule_is_held_when_the_engine_is_told_to():
    spec = sending(None, hold_late_ms=HOUR_MS)
    requested_at_ms = spec.now_ms
    spec.now_ms += HOUR_MS + 1
    spec.started().then(happened("enrollment_held", step_id="sms", due_at_ms=requested_at_ms))


@pytest.mark.parametrize("rule", [RUN, Lateness(30 * DAY_MS, "skip")])
def test_step_with_a_rule_of_its_own_is_never_held(rule):
    reminder(wait=rule, hold_late_ms=1).timer(after_ms=2 * DAY_MS)
    spec = reminder(wait=rule, sms=rule, hold_late_ms=1).timer(after_ms=2 * DAY_MS)
    assert names(spec.started()) == ["attempt_started"]


def test_what_a_wait_was_late_does_not_hold_the_steps_after_it():
    spec = reminder(wait=RUN, hold_late_ms=HOUR_MS).timer(after_ms=9 * DAY_MS)
    spec.started().then(happened("attempt_started"))


def test_held_enrollment_is_repaired_not_resumed():
    spec = reminder(hold_late_ms=1).timer(after_ms=2 * DAY_MS)
    spec.on_enrollment(c.ResumeEnrollment).then(happened("command_resulted", result="rejected", code="held"))


def test_resuming_the_workflow_lets_held_ones_be():
    held = workflow(step("wait", "delay"))
    spec = Spec(held, hold_late_ms=1).created().timer(after_ms=2 * DAY_MS)
    spec.with_catalogue(entry(held, status="paused", paused_at_ms=spec.now_ms)).reconciled().nothing()
    spec.with_catalogue(entry(held, resumed_at_ms=spec.now_ms + 1)).reconciled(after_ms=1).nothing()
    assert spec.enrollment().paused_by == "lateness"
