"""Where one decision ends in a contact's journal and the next begins: events that are the first of theirs."""

from typing import Final

from domain import journal as j
from domain.enrollment import Enrollment
from domain.lateness import REASON as LATE

_ALWAYS: Final = (
    j.ContactEventAccepted,
    j.AttemptStarted,
    j.AttemptFailed,
    j.AttemptUnknown,
    j.EnrollmentHeld,
)
WAITING_KINDS: Final = frozenset({"delay"})
"""Step kinds whose completion is a decision of its own."""


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
    if type(before) is j.EnrollmentRepaired:  # what a repair comes to follows from its command
        return False
    match event:
        case j.RetryDue():
            return True
        case j.CommandResulted():
            return event.command_type != "contact_event"
        case j.AttemptSucceeded():  # one that settles an incident comes last in its decision
            return type(before) is not j.EnrollmentRetried
        case j.IncidentResolved():
            return event.resolution == "outcome" or type(before) is not j.CommandResulted
        case j.StepCompleted():
            if real is None:
                return event.step_type in WAITING_KINDS
            return real.timer is not None and real.timer.due_at_ms <= event.at_ms
        case j.StepSkipped() if event.reason == LATE:
            return _was_due(event, real)
        case _:
            return is_reconciling(event, before)


def _was_due(event: j.StepSkipped, real: Enrollment | None) -> bool:
    """Whether a late step was skipped when its wait ended, or its attempt could begin; not when it was entered."""
    if real is None:
        return event.step_type in WAITING_KINDS
    if real.timer is not None:
        return real.timer.due_at_ms <= event.at_ms
    return real.action is not None and real.action.status == "requested"


def is_reconciling(event: j.JournalEvent, before: j.JournalEvent | None) -> bool:
    """Whether the catalogue, not an operator, paused, resumed, moved or cancelled an enrollment.

    Such events are a decision's first ones, but another input may follow in the same decision.
    """
    match event:
        case j.EnrollmentPaused():
            return event.by == "workflow"
        case j.EnrollmentResumed():
            return type(before) is not j.CommandResulted
        case j.EnrollmentCancelled():
            return event.reason == "publish"
        case j.EnrollmentMigrated():
            return True
        case _:
            return False
