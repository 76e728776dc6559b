"""Events that begin, end, stop or move an enrollment."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.appliers.contact import unchanged
from domain.enrollment import CLOSED, Enrollment, Timer, transition
from domain.state import ContactState, WorkflowHistory

RATE_WINDOW_MS: Final = 3_600_000
"""The running window in which the rate guard counts a contact's enrollments in one workflow."""


def put(state: ContactState, event: j.JournalEvent, enrollment: Enrollment) -> ContactState:
    """The state after `event`, which made this of an enrollment; one that is closed and settled is let go."""
    action = enrollment.action
    if enrollment.status in CLOSED and not (action is not None and action.status == "running"):
        enrollments = {key: other for key, other in state.enrollments.items() if key != enrollment.id}
    else:
        enrollments = {**state.enrollments, enrollment.id: enrollment}
    return replace(state, seq=event.seq, enrollments=enrollments)


def on_enrollment(case: Callable[[Enrollment, Any], Enrollment]) -> Callable[[ContactState, Any], ContactState]:
    """The case of a contact's state, made of one of the enrollment that the event is about."""

    def on_state(state: ContactState, event: Any) -> ContactState:
        return put(state, event, case(state.enrollments[event.enrollment_id], event))

    return on_state


def enrolled(state: ContactState, event: j.Enrolled) -> ContactState:
    """The enrollment stands at its first step."""
    enrollment = Enrollment(
        id=event.enrollment_id,
        workflow_id=event.workflow_id,
        version=event.version,
        step_id=event.first_step,
        hops=event.hops,
        enrolled_at_ms=event.at_ms,
        event=event.personal.event,
    )
    return replace(
        state,
        seq=event.seq,
        history=_counted(state, event.workflow_id, event.at_ms, enrolled=1),
        enrollments={**state.enrollments, enrollment.id: enrollment},
    )


def trigger_skipped(state: ContactState, event: j.TriggerSkipped) -> ContactState:
    """What the rate guard stopped counts for it all the same."""
    if event.reason != "rate_guard":
        return unchanged(state, event)
    return replace(state, seq=event.seq, history=_counted(state, event.workflow_id, event.at_ms, enrolled=0))


def _counted(state: ContactState, workflow_id: str, at_ms: int, *, enrolled: int) -> dict[str, WorkflowHistory]:
    known = state.history.get(workflow_id, WorkflowHistory())
    fresh = at_ms - known.window_start_ms >= RATE_WINDOW_MS
    history = WorkflowHistory(
        count=known.count + enrolled,
        window_start_ms=at_ms if fresh else known.window_start_ms,
        window_count=1 if fresh else known.window_count + 1,
    )
    return {**state.history, workflow_id: history}


def ended(status: str) -> Callable[[Enrollment, Any], Enrollment]:
    """The enrollment is over; an attempt that is open keeps its deadline."""

    def end(enrollment: Enrollment, _: Any) -> Enrollment:
        timer = enrollment.timer
        deadline = timer if timer and timer.kind == "deadline" else None
        return transition(enrollment, status, timer=deadline, incident_id=None)

    return end


def paused(enrollment: Enrollment, event: j.EnrollmentPaused) -> Enrollment:
    """It stands still."""
    return transition(enrollment, "paused", paused_at_ms=event.paused_at_ms, paused_by=event.by)


def resumed(enrollment: Enrollment, event: j.EnrollmentResumed) -> Enrollment:
    """It goes on, its timers shifted by the time that it stood still; an attempt's deadline is the provider's time."""
    timer, action = enrollment.timer, enrollment.action
    if timer and timer.kind != "deadline":
        timer = Timer(timer.kind, timer.due_at_ms + event.shift_ms)
    if action is not None:
        action = replace(action, ready_at_ms=action.ready_at_ms + event.shift_ms)
    return transition(enrollment, "active", timer=timer, action=action, paused_at_ms=0, paused_by=None)


def held(enrollment: Enrollment, event: j.EnrollmentHeld) -> Enrollment:
    """It stands still, and gets later all the while."""
    return transition(enrollment, "paused", paused_at_ms=event.at_ms, paused_by="lateness")


def repaired(enrollment: Enrollment, event: j.EnrollmentRepaired) -> Enrollment:
    """A person has spoken of this step: its action is due now. The steps after it go by rules of their own."""
    timer, action = enrollment.timer, enrollment.action
    changes: dict[str, Any] = {"steps_since_wait": 0}
    if action is not None:
        changes |= {"action": replace(action, ready_at_ms=event.at_ms), "late_ms": 0}
    if timer and timer.kind == "retry":
        changes["timer"] = Timer("retry", event.at_ms)
    if enrollment.paused_by != "lateness":
        return replace(enrollment, **changes)
    return transition(enrollment, "active", paused_at_ms=0, paused_by=None, **changes)


def retried(enrollment: Enrollment, event: j.EnrollmentRetried) -> Enrollment:
    """It goes on after its incident; `again` does once more what failed."""
    action = enrollment.action
    changes: dict[str, Any] = {"incident_id": None, "steps_since_wait": 0, "late_ms": 0}
    if event.how == "again" and action is not None:
        changes["action"] = replace(
            action, status="requested", tries_left=action.tries, code=None, ready_at_ms=event.at_ms
        )
    elif event.how == "again":
        changes["entered"] = False
    return transition(enrollment, "active", **changes)


def migrated(enrollment: Enrollment, event: j.EnrollmentMigrated) -> Enrollment:
    """It goes on in another version, at the step of the same id."""
    return replace(enrollment, version=event.version)


def incident_opened(state: ContactState, event: j.IncidentOpened) -> ContactState:
    """The enrollment that is concerned, if one is, waits for a person."""
    if event.enrollment_id is None:
        return unchanged(state, event)
    enrollment = state.enrollments[event.enrollment_id]
    failed = transition(enrollment, "failed", incident_id=event.incident_id, entered=True, timer=None)
    return put(state, event, failed)
