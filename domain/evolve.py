"""How each journal event changes a contact's state: the one fold that gives all state, live and in replay."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.appliers import attempt, consent, contact, enrollment, sent, step
from domain.appliers.enrollment import RATE_WINDOW_MS, on_enrollment
from domain.appliers.seen import COMMAND_SOURCE, RETENTION_MS, seen_key
from domain.contact import Contact
from domain.errors import JournalGap
from domain.state import ContactState, PartitionState

__all__ = [
    "COMMAND_SOURCE",
    "CONTACT_EVENTS",
    "RATE_WINDOW_MS",
    "RETENTION_MS",
    "evolve",
    "evolve_partition",
    "initial",
    "seen_key",
]

_CASES: Final[dict[type[j.JournalEvent], Callable[[ContactState, Any], ContactState]]] = {
    j.ContactEventAccepted: contact.contact_event_accepted,
    j.ContactChanged: contact.contact_changed,
    j.CommandResulted: contact.command_resulted,
    j.Enrolled: enrollment.enrolled,
    j.TriggerSkipped: enrollment.trigger_skipped,
    j.EnrollmentCompleted: on_enrollment(enrollment.ended("completed")),
    j.EnrollmentExited: on_enrollment(enrollment.ended("exited")),
    j.EnrollmentCancelled: on_enrollment(enrollment.ended("cancelled")),
    j.EnrollmentPaused: on_enrollment(enrollment.paused),
    j.EnrollmentResumed: on_enrollment(enrollment.resumed),
    j.EnrollmentRetried: on_enrollment(enrollment.retried),
    j.EnrollmentMigrated: on_enrollment(enrollment.migrated),
    j.EnrollmentHeld: on_enrollment(enrollment.held),
    j.EnrollmentRepaired: on_enrollment(enrollment.repaired),
    j.IncidentOpened: enrollment.incident_opened,
    j.IncidentResolved: contact.unchanged,
    j.TimerSet: on_enrollment(step.timer_set),
    j.EventAwaited: on_enrollment(step.event_awaited),
    j.ActionRequested: on_enrollment(step.action_requested),
    j.SendHeld: on_enrollment(step.send_held),
    j.StepCompleted: on_enrollment(step.step_completed),
    j.StepSkipped: on_enrollment(step.step_skipped),
    j.StepFailed: on_enrollment(step.step_failed),
    j.AttemptStarted: sent.counted(on_enrollment(attempt.attempt_started)),
    j.AttemptSucceeded: attempt.attempt_succeeded,
    j.AttemptFailed: sent.uncounted(on_enrollment(attempt.attempt_failed)),
    j.AttemptUnknown: on_enrollment(attempt.attempt_unknown),
    j.OutcomeAsked: on_enrollment(attempt.outcome_asked),
    j.RetryDue: on_enrollment(attempt.retry_due),
    j.DeliveryReported: consent.delivery_reported,
    j.ConsentChanged: consent.consent_changed,
}
"""What each event does. A case makes the new state in one go, its seq included."""

CONTACT_EVENTS: Final = frozenset(_CASES)
"""Every journal event of a contact; the others are a partition's own."""


def initial(contact_id: str) -> ContactState:
    """The state of a contact of whom nothing is known."""
    return ContactState(contact=Contact(id=contact_id))


def evolve(state: ContactState, event: j.JournalEvent) -> ContactState:
    """The contact's state after one event.

    Raises:
        JournalGap: the event is not the next one of this contact.
        InvalidTransition: the event contradicts the transition table.
    """
    if event.seq != state.seq + 1:
        message = f"expected event {state.seq + 1} of contact {event.contact_id!r}, found {event.seq}"
        raise JournalGap(message)
    evolved = _CASES[type(event)](state, event)
    assert evolved.seq == event.seq, f"the case of {type(event).__name__} leaves the seq as it was"
    return evolved


def evolve_partition(state: PartitionState, event: j.JournalEvent) -> PartitionState:
    """The partition's state after one event under the reserved key.

    Raises:
        JournalGap: the event is not the next one.
    """
    if event.seq != state.seq + 1:
        message = f"expected partition event {state.seq + 1}, found {event.seq}"
        raise JournalGap(message)
    state = replace(state, seq=event.seq, last_time_ms=max(state.last_time_ms, event.at_ms))
    match event:
        case j.PartitionOpened():
            return replace(state, fires_from_ms=event.fires_from_ms)
        case j.CatalogueAdvanced():
            return replace(state, catalogue_offset=event.offset)
        case j.CatalogueReconciled():
            return replace(state, reconciled_offset=event.offset)
        case j.ChannelPaused():
            return replace(state, paused={**state.paused, event.channel: event.incident_id})
        case j.ChannelResumed():
            return replace(state, paused={name: id_ for name, id_ in state.paused.items() if name != event.channel})
        case _:
            return state
