"""Where one decision ends in a contact's journal and the next begins, and where in it an enrollment has its turn."""

from typing import Final

from domain import journal as j
from domain.backtest.in_step import is_stopped
from domain.enrollment import Enrollment
from domain.steps.kinds import WAITS
from domain.steps.wait_for_event import is_received

_ALWAYS: Final = (
    j.ContactEventAccepted,
    j.AttemptStarted,
    j.AttemptFailed,
    j.AttemptUnknown,
    j.OutcomeAsked,
    j.EnrollmentHeld,
)
_OF_A_COMMAND: Final = (j.CommandResulted, j.EnrollmentRepaired, j.EnrollmentRetried, j.EnrollmentResumed)
"""What an operator's command comes to first; what follows one of these is the same decision's."""
_IN_TURN: Final = (
    j.StepCompleted,
    j.StepSkipped,
    j.StepFailed,
    j.TimerSet,
    j.EventAwaited,
    j.ActionRequested,
    j.SendHeld,
    j.ContactChanged,
    j.IncidentOpened,
    j.EnrollmentCompleted,
)
_SETTLEMENTS: Final = (j.StepFailed, j.IncidentOpened, j.EnrollmentExited)
"""What may follow from an enrollment's being resumed: an attempt that failed meanwhile is settled."""
_AFTER_A_HOLD: Final = (j.ActionRequested, j.SendHeld, j.StepSkipped, j.RetryDue)
"""What a held message comes to when its enrollment is resumed."""


def begins_decision(  # noqa: PLR0911 one return a kind of event
    event: j.JournalEvent, before: j.JournalEvent | None, real: Enrollment | None
) -> bool:
    """Whether the event is the first of a decision.

    Args:
        event: one of the contact's journal.
        before: the one right before it in the same burst.
        real: the enrollment that it is about, as it was before it, when that one is simulated.
    """
    if isinstance(event, _ALWAYS):
        return True
    match event:
        case j.CommandResulted():
            return event.command_type != "contact_event"
        case j.AttemptSucceeded():  # one that settles an incident comes last in its decision
            return type(before) is not j.EnrollmentRetried
        case j.DeliveryReported():  # one that settles an attempt comes last in its decision
            return not (isinstance(before, j.AttemptSucceeded | j.StepCompleted) and _same_visit(before, event))
        case j.RetryDue():
            return not isinstance(before, _OF_A_COMMAND)
        case j.IncidentResolved():
            return event.resolution == "outcome" or not isinstance(before, _OF_A_COMMAND)
        case j.StepCompleted() | j.StepSkipped() | j.StepFailed() | j.ActionRequested() | j.SendHeld():
            if isinstance(before, _OF_A_COMMAND):
                return False
            if real is None:
                return event.step_type in WAITS and not is_received(event)
            return is_stopped(real, event)
        case _:
            return is_reconciling(event, before)


def _same_visit(one: j.AttemptSucceeded | j.StepCompleted, other: j.DeliveryReported) -> bool:
    return (one.enrollment_id, one.step_id, one.visit) == (other.enrollment_id, other.step_id, other.visit)


def is_reconciling(event: j.JournalEvent, before: j.JournalEvent | None) -> bool:
    """Whether the catalogue, not an operator, paused, resumed, moved or cancelled an enrollment.

    Such events are a decision's first ones, but another input may follow in the same decision.
    """
    match event:
        case j.EnrollmentPaused():
            return event.by == "workflow"
        case j.EnrollmentResumed():
            return not isinstance(before, j.CommandResulted | j.EnrollmentRepaired)
        case j.EnrollmentCancelled():
            return event.reason == "publish"
        case j.EnrollmentMigrated():
            return True
        case _:
            return False


def is_settling(event: j.JournalEvent, before: j.JournalEvent | None, real: Enrollment | None) -> bool:
    """Whether the event after a reconciling one is what that came to at once, before the next enrollment is reconciled."""
    if isinstance(event, _AFTER_A_HOLD) and isinstance(before, j.EnrollmentResumed):
        was_held = real is not None and real.timer is not None and real.timer.kind == "hold"
        return before.enrollment_id == event.enrollment_id and was_held
    if real is not None and real.awaits_event:  # its new version waits for something else, or for what is reported
        return isinstance(event, j.EventAwaited) or is_received(event)
    return isinstance(event, _SETTLEMENTS)


def is_turn(event: j.JournalEvent, real: Enrollment) -> bool:
    """Whether the real enrollment, as it was before the event, has its turn here: it runs on from where it stood."""
    return isinstance(event, _IN_TURN) and not real.entered
