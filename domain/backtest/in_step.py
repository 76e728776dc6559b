"""In step: whether a simulated enrollment stands where the real one stands, and what a real event is to it then."""

from typing import Any

from domain import journal as j
from domain.backtest.happened import report_of
from domain.engine import Input, StartAttempt, TimerDue
from domain.enrollment import Enrollment, PendingAction
from domain.lateness import REASON as LATE


def input_of(event: j.JournalEvent, real: Enrollment | None, enrollment: Enrollment) -> Input | None:
    """The input behind a real event, if it is one for the simulated enrollment, too."""
    at: dict[str, Any] = {"contact_id": event.contact_id, "enrollment_id": enrollment.id}
    action = enrollment.action
    match event:
        case j.AttemptStarted():
            started = (event.action_key, event.attempt - 1, "requested")
            if action is not None and stage(action) == started:
                return StartAttempt(**at, start_by_ms=event.start_by_ms, deadline_ms=event.deadline_ms)
        case j.AttemptSucceeded() | j.AttemptFailed() | j.AttemptUnknown():
            if action is not None and (action.key, action.attempt) == (event.action_key, event.attempt):
                return report_of(event)
        case j.RetryDue():
            if waits_alike(real, enrollment):
                return TimerDue(**at)
        case j.StepCompleted():
            if waits_alike(real, enrollment) and due_ms(enrollment) <= event.at_ms:
                return TimerDue(**at)
        case j.StepSkipped() | j.EnrollmentHeld():
            return _too_late(event, real, enrollment, at)
    return None


def _too_late(
    event: j.StepSkipped | j.EnrollmentHeld, real: Enrollment | None, enrollment: Enrollment, at: dict[str, Any]
) -> Input | None:
    """The end of a wait, or a slot for an attempt, that came too late for the real enrollment."""
    if isinstance(event, j.StepSkipped) and event.reason != LATE:
        return None
    if waits_alike(real, enrollment):
        return TimerDue(**at) if due_ms(enrollment) <= event.at_ms else None
    action = enrollment.action
    asks_alike = real is not None and real.action is not None and action is not None and real.timer is None
    if asks_alike and stage(real.action) == stage(action) and action.status == "requested":  # type: ignore[union-attr,arg-type]
        return StartAttempt(**at, start_by_ms=event.at_ms, deadline_ms=event.at_ms)
    return None


def waits_alike(real: Enrollment | None, enrollment: Enrollment) -> bool:
    """Whether both wait for the same time, in the same visit of the same step and the same attempt."""
    if real is None or enrollment.timer is None or real.timer != enrollment.timer:
        return False
    if real.step_id != enrollment.step_id or enrollment.step_id is None:
        return False
    if real.visits.get(enrollment.step_id) != enrollment.visits.get(enrollment.step_id):
        return False
    if real.action is None or enrollment.action is None:
        return real.action is enrollment.action
    return stage(real.action) == stage(enrollment.action)


def stage(action: PendingAction) -> tuple[str, int, str]:
    """Where an action stands: its key, its attempt and its status."""
    return action.key, action.attempt, action.status


def due_ms(enrollment: Enrollment) -> int:
    """When the timer is due of an enrollment that has one."""
    assert enrollment.timer is not None
    return enrollment.timer.due_at_ms
