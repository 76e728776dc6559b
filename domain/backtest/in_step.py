"""In step: whether a simulated enrollment stands where the real one stands, and what a real event is to it then."""

from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.action import NOT_FOUND
from domain.backtest.happened import report_of
from domain.command import ReportOutcome
from domain.engine import Input, StartAttempt, TimerDue
from domain.enrollment import Enrollment, PendingAction
from domain.outcomes import DEADLINE
from domain.steps.wait_for_event import is_received

_AFTER_A_STOP: Final = (
    j.StepCompleted,
    j.StepSkipped,
    j.StepFailed,
    j.ActionRequested,
    j.SendHeld,
    j.EnrollmentHeld,
)
"""What may come first when a wait or a hold is over, or a slot is free."""


def input_of(event: j.JournalEvent, real: Enrollment | None, enrollment: Enrollment) -> Input | None:
    """The input behind a real event, if it is one for the simulated enrollment, too."""
    at: dict[str, Any] = {"contact_id": event.contact_id, "enrollment_id": enrollment.id}
    match event:
        case j.AttemptStarted() if acts_alike(real, enrollment):
            return StartAttempt(**at, start_by_ms=event.start_by_ms, deadline_ms=event.deadline_ms)
        case j.AttemptSucceeded() | j.AttemptFailed() | j.AttemptUnknown() if acts_alike(real, enrollment):
            return _report(event, enrollment)
        case j.RetryDue() | j.OutcomeAsked() if waits_alike(real, enrollment):
            return TimerDue(**at)
        case _ if isinstance(event, _AFTER_A_STOP) and real is not None and is_stopped(real, event):
            if waits_alike(real, enrollment):
                return TimerDue(**at)
            if acts_alike(real, enrollment):  # it might not begin: too late, over its limits, or without consent
                return StartAttempt(**at, start_by_ms=event.at_ms, deadline_ms=event.at_ms)
    return None


def _report(event: j.AttemptSucceeded | j.AttemptFailed | j.AttemptUnknown, enrollment: Enrollment) -> ReportOutcome:
    """The report behind it; of an answer that proved nothing the journal keeps the attempt's own code."""
    report, action = report_of(event), enrollment.action
    if action is not None and isinstance(event, j.AttemptUnknown) and event.question:
        return replace(report, code=NOT_FOUND if event.answered > action.answered else DEADLINE)
    return report


def is_stopped(real: Enrollment, event: j.JournalEvent) -> bool:
    """Whether the enrollment, as it was before the event, waited for nothing but its turn: a timer is due, or a slot is free."""
    if is_received(event):
        return False
    if real.timer is not None:
        return real.timer.kind in ("delay", "hold") and real.timer.due_at_ms <= event.at_ms
    return real.action is not None and real.action.status == "requested"


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
    return acts_alike(real, enrollment)


def acts_alike(real: Enrollment | None, enrollment: Enrollment) -> bool:
    """Whether both want, or wait for, the same attempt of the same action on the same channel."""
    if real is None or real.action is None or enrollment.action is None:
        return False
    return _stage(real.action) == _stage(enrollment.action)


def _stage(action: PendingAction) -> tuple[str, str, int, str]:
    return action.key, action.channel, action.attempt, action.status


def due_ms(enrollment: Enrollment) -> int:
    """When the timer is due of an enrollment that has one."""
    assert enrollment.timer is not None
    return enrollment.timer.due_at_ms
