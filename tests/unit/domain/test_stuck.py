"""The stuck detector: nothing that the engine decides is ever stuck; whatever else is found in a state is."""

import pytest
from msgspec.structs import replace

from domain import command as c
from domain.enrollment import Timer
from domain.stuck import ENROLLMENT_REASONS, REASONS, Patience, stuck
from tests.support.engine_spec import DAY_MS, Spec, step, workflow
from tests.support.random_lives import random_life

PATIENCE = Patience()
WORKFLOW = workflow(step("sms", "send_sms"), step("wait", "delay"), step("end", "add_tag", tag="x"))


def waiting_for_its_attempt():
    return Spec(WORKFLOW).created()


def under_way():
    return waiting_for_its_attempt().started()


def waiting():
    return under_way().outcome("succeeded")


def tampered(spec, **changes):
    """The state with the enrollment as no decision would leave it."""
    enrollment = replace(spec.enrollment(), **changes)
    return replace(spec.state, enrollments={enrollment.id: enrollment})


def reasons(state, now_ms):
    return [finding.reason for finding in stuck(state, now_ms, PATIENCE)]


@pytest.mark.parametrize("seed", range(40))
def test_nothing_that_was_decided_ever_has_nothing_pending(seed):
    states = []

    class Watched(Spec):
        def when(self, given, *, after_ms=0):
            super().when(given, after_ms=after_ms)
            states.append((self.state, self.now_ms))
            return self

    random_life(seed, spec_type=Watched)
    assert len(states) > 50
    for state, now_ms in states:
        assert "nothing_pending" not in reasons(state, now_ms)


def test_healthy_enrollments_are_not_stuck():
    for spec in (waiting_for_its_attempt(), under_way(), waiting()):
        assert stuck(spec.state, spec.now_ms, PATIENCE) == []


def test_a_closed_enrollment_is_kept_for_its_outcome_and_stuck_when_nobody_asks_for_it():
    spec = Spec(WORKFLOW, ask_after_ms=(2_000,)).created().started().outcome("unknown", code="reset")
    state = spec.on_enrollment(c.CancelEnrollment).state
    assert reasons(state, spec.now_ms) == []
    assert reasons(state, spec.now_ms + 2_000 + PATIENCE.timer_ms + 1) == ["timer_overdue"]


def test_overdue_timer_is_found_once_it_is_past_all_patience():
    spec = waiting()
    due = spec.enrollment().timer.due_at_ms
    assert reasons(spec.state, due + PATIENCE.timer_ms) == []
    (finding,) = stuck(spec.state, due + PATIENCE.timer_ms + 1, PATIENCE)
    enrollment = spec.enrollment()
    assert (finding.reason, finding.since_ms, finding.step_id) == ("timer_overdue", due, "wait")
    assert (finding.contact_id, finding.enrollment_id, finding.workflow_id) == ("ada", enrollment.id, "w")


def test_overdue_attempt_is_found():
    spec = under_way()
    deadline = spec.enrollment().timer.due_at_ms
    assert reasons(spec.state, deadline + PATIENCE.timer_ms) == []
    assert reasons(spec.state, deadline + PATIENCE.timer_ms + 1) == ["attempt_overdue"]


def test_attempt_of_an_ended_enrollment_is_found_too():
    spec = under_way().on_enrollment(c.CancelEnrollment)
    (finding,) = stuck(spec.state, spec.now_ms + DAY_MS, PATIENCE)
    assert finding.reason == "attempt_overdue"


def test_action_that_nobody_starts_is_found():
    spec = waiting_for_its_attempt()
    assert reasons(spec.state, spec.now_ms + PATIENCE.action_ms) == []
    assert reasons(spec.state, spec.now_ms + PATIENCE.action_ms + 1) == ["action_waiting"]


def test_paused_failed_and_held_ones_wait_for_a_person_and_are_not_stuck():
    late = 90 * DAY_MS
    paused = waiting().on_enrollment(c.PauseEnrollment)
    failed = under_way().outcome("failed", code="refused")
    held = Spec(workflow(step("wait", "delay")), hold_late_ms=1).created().timer(after_ms=2 * DAY_MS)
    for spec in (paused, failed, held):
        assert stuck(spec.state, spec.now_ms + late, PATIENCE) == []


@pytest.mark.parametrize(
    ("spec", "changes"),
    [
        (waiting, {"timer": None}),
        (waiting_for_its_attempt, {"action": None}),
        (under_way, {"timer": None}),
        (under_way, {"timer": Timer("delay", 1)}),
        (waiting, {"status": "paused"}),
        (waiting, {"status": "failed"}),
        (waiting, {"status": "completed"}),
        (waiting, {"entered": False, "timer": None}),
    ],
)
def test_planted_enrollment_with_nothing_pending_is_found(spec, changes):
    made = spec()
    assert reasons(tampered(made, **changes), made.now_ms) == ["nothing_pending"]


def test_action_that_was_given_up_without_an_incident_is_found():
    spec = waiting_for_its_attempt()
    action = replace(spec.enrollment().action, status="failed")
    assert reasons(tampered(spec, action=action), spec.now_ms) == ["nothing_pending"]


def test_patience_is_in_engine_time():
    assert Patience().scaled(60).timer_ms == 3_600_000


def test_every_reason_that_is_found_has_its_words():
    assert {"nothing_pending", "timer_overdue", "attempt_overdue", "action_waiting"} == set(ENROLLMENT_REASONS)
    for reason in REASONS.values():
        assert reason.words
        assert reason.mend
