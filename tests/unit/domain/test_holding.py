"""Holding: a message waits for its hours, and its step is entered anew when they come."""

from datetime import UTC, datetime

import pytest

from domain import command as c
from domain.consent import Suppression
from domain.lateness import late_by
from domain.send_window import SendWindow
from domain.stuck import Patience, stuck
from domain.workflow import Lateness, Retry
from tests.support.engine_spec import Spec, entry, happened, step, workflow

HOUR_MS = 3_600_000
DAYTIME = SendWindow(from_minute=9 * 60, to_minute=20 * 60)


def at(hour, minute=0, *, day=4):
    return int(datetime(2026, 3, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


EVENING = at(21)


def sending(*, now=EVENING, window=DAYTIME, contact=None, **of_step):
    """A contact who enters a step that sends an SMS; by default at nine in the evening."""
    flow = workflow(
        step("hi", "send_sms", body="Hi {{first_name}}", send_window=window, **of_step), step("end", "delay")
    )
    return Spec(flow, now_ms=now).created(**(contact or {}))


def later(spec, now):
    """Its timer fires at this time."""
    return spec.timer(after_ms=now - spec.now_ms)


def kinds(spec):
    return [event.__struct_config__.tag for event in spec.last]


class TestEntering:
    def test_inside_its_window_a_message_goes_at_once(self):
        assert kinds(sending(now=at(12)))[-1] == "action_requested"

    def test_outside_it_is_held_until_the_window_opens(self):
        spec = sending()
        assert kinds(spec) == ["contact_event_accepted", "enrolled", "send_held"]
        held = spec.last[-1]
        assert (held.step_id, held.visit, held.reason, held.until_ms) == ("hi", 1, "send_window", at(9, day=5))
        assert (spec.enrollment().timer.kind, spec.enrollment().timer.due_at_ms) == ("hold", at(9, day=5))

    def test_the_hours_are_those_of_the_contacts_time_zone(self):
        assert (
            sending(contact={"timezone": "America/New_York"}).enrollment().action is not None
        )  # four in the afternoon
        assert sending(contact={"timezone": "Mars/Olympus"}).last[-1].until_ms == at(9, day=5)

    def test_a_timer_that_fires_before_is_early(self):
        later(sending(), at(9, day=5) - 1).nothing()

    def test_when_it_opens_the_same_visit_is_entered_anew_with_the_texts_of_then(self):
        spec = sending().fact("contact.field_updated", {"field": "first_name", "value": "Bo"})
        later(spec, at(9, day=5)).then(happened("action_requested", step_id="hi", visit=1, request__body="Hi Bo"))
        assert spec.enrollment().timer is None
        spec.started().outcome("succeeded").then(
            happened("attempt_succeeded"), happened("step_completed", step_id="hi", visit=1), happened("timer_set")
        )

    def test_consent_is_asked_before_it_is_held_and_again_when_it_opens(self):
        flow = workflow(step("hi", "send_sms", send_window=DAYTIME), step("end", "delay"))
        stopped = Spec(flow, now_ms=at(20)).fact("contact.sms_received", {"body": "STOP", "from": "+1555"})
        stopped.created().then(
            happened("contact_event_accepted"), happened("enrolled"), happened("step_skipped", reason="opted_out"),
            happened("timer_set"),
        )  # fmt: skip
        spec = sending().fact("contact.sms_received", {"body": "STOP"})
        assert isinstance(spec.state.suppressions[0], Suppression)
        later(spec, at(9, day=5)).then(
            happened("step_skipped", step_id="hi", visit=1, reason="opted_out"), happened("timer_set", step_id="end")
        )

    def test_a_message_that_can_not_be_made_fails_at_once(self):
        spec = sending(contact={"phone": None})
        assert "step_failed" in kinds(spec)

    def test_a_contact_who_moved_is_held_again(self):
        spec = sending().fact("contact.field_updated", {"field": "timezone", "value": "America/New_York"})
        later(spec, at(9, day=5)).then(happened("send_held", visit=1, until_ms=at(14, day=5)))

    def test_a_step_that_fails_when_it_is_entered_anew_does_what_its_on_failure_says(self):
        spec = sending(on_failure="continue").fact("contact.field_updated", {"field": "phone", "value": None})
        later(spec, at(9, day=5)).then(
            happened("step_failed", code="no_phone", visit=1, goes_on=True), happened("timer_set", step_id="end")
        )


class TestWaitingForASlot:
    def test_a_message_whose_window_closes_meanwhile_is_held_with_its_text(self):
        spec = sending(now=at(19, 59))
        spec.now_ms = at(20)
        spec.started().then(happened("send_held", visit=1, until_ms=at(9, day=5)))
        assert spec.enrollment().action.status == "held"
        later(spec, at(9, day=5)).then(happened("retry_due", visit=1))
        spec.started().then(happened("attempt_started", attempt=1))

    def test_so_is_one_that_is_tried_again(self):
        spec = sending(now=at(19, 59), retry=Retry(max_attempts=3, backoff_ms=120_000)).started()
        spec.outcome("failed", retryable=True)
        due = spec.enrollment().timer.due_at_ms
        later(spec, due).started().then(happened("send_held", until_ms=at(9, day=5)))
        later(spec, at(9, day=5)).started().then(happened("attempt_started", attempt=2))

    def test_an_outcome_that_comes_while_it_is_held_is_of_no_attempt(self):
        spec = sending(now=at(19, 59))
        spec.now_ms = at(20)
        spec.started().outcome("succeeded").nothing()


class TestStandingStill:
    def test_a_pause_makes_it_no_later(self):
        spec = sending().on_enrollment(c.PauseEnrollment)
        spec.now_ms = at(8, day=5)
        spec.on_enrollment(c.ResumeEnrollment).then(
            happened("command_resulted"), happened("enrollment_resumed"), happened("send_held", until_ms=at(9, day=5))
        )
        later(spec, at(9, day=5)).then(happened("action_requested"))

    def test_after_a_pause_it_goes_when_its_window_is_open(self):
        spec = sending().on_enrollment(c.PauseEnrollment)
        later(spec, at(9, day=5)).nothing()
        spec.now_ms = at(11, day=5)
        spec.on_enrollment(c.ResumeEnrollment).then(
            happened("command_resulted"), happened("enrollment_resumed"), happened("action_requested", visit=1)
        )

    def test_a_cancelled_enrollment_waits_for_nothing(self):
        spec = sending().on_enrollment(c.CancelEnrollment)
        assert not spec.state.enrollments

    def test_a_migrated_one_goes_by_the_new_versions_window(self):
        spec = sending()
        fresh = workflow(step("hi", "send_sms", body="new"), step("end", "delay"), version=2)
        spec.with_catalogue(entry(fresh, *[v.compiled for v in spec.entries["w"].versions.values()], in_flight={1: 2}))
        spec.reconciled().then(happened("enrollment_migrated", version=2))
        later(spec, at(9, day=5)).then(happened("action_requested", request__body="new", visit=1))


class TestLateness:
    RULE = Lateness(HOUR_MS, "skip")

    def test_a_hold_is_no_lateness(self):
        spec = later(sending(lateness=self.RULE), at(9, day=5))
        spec.then(happened("action_requested")).started().then(happened("attempt_started"))

    def test_what_passes_after_it_is(self):
        spec = sending(lateness=self.RULE)
        assert late_by(spec.enrollment(), at(9, day=5)) == 0
        assert late_by(spec.enrollment(), at(11, day=5)) == 2 * HOUR_MS
        later(spec, at(11, day=5)).then(happened("step_skipped", reason="late"), happened("timer_set", step_id="end"))

    def test_and_adds_to_the_wait_for_a_slot(self):
        spec = later(sending(lateness=self.RULE), at(9, 40, day=5)).then(happened("action_requested"))
        assert late_by(spec.enrollment(), at(10, day=5)) == HOUR_MS
        spec.now_ms = at(10, 1, day=5)
        spec.started().then(happened("step_skipped", reason="late"), happened("timer_set"))

    def test_a_hold_that_ends_too_late_for_anyone_is_a_persons_to_settle(self):
        spec = sending()
        spec.hold_late_ms = HOUR_MS
        later(spec, at(12, day=5)).then(happened("enrollment_held", step_id="hi", due_at_ms=at(9, day=5)))
        spec.command(c.RepairEnrollment, enrollment_id=spec.enrollment().id, step_id="hi", visit=1, how="run", by="ann")
        spec.then(
            happened("command_resulted", result="accepted"), happened("enrollment_repaired", how="run"),
            happened("action_requested", visit=1),
        )  # fmt: skip


@pytest.mark.parametrize(("now", "reasons"), [(at(9, day=5), []), (at(10, day=5), ["timer_overdue"])])
def test_what_is_held_is_stuck_only_when_its_time_has_passed(now, reasons):
    assert [one.reason for one in stuck(sending().state, now, Patience())] == reasons
