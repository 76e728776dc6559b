"""Events that a backtest replays: facts, and what enrollments did that it does not simulate."""

from typing import Final

from msgspec.structs import replace

from domain import journal as j
from domain.appliers.sent import with_message
from domain.contact import apply_fact
from domain.enrollment import Enrollment
from domain.evolve import evolve
from domain.frequency import forget
from domain.state import ContactState

_STANDING: Final = "failed"
"""The status of a stand-in: open for the re-entry rules, and never run, paused or fired."""
ENDS: Final = (j.EnrollmentCompleted, j.EnrollmentExited, j.EnrollmentCancelled)


def learn(state: ContactState, event: j.ContactEventAccepted) -> ContactState:
    """The state after a fact that starts nothing: as `evolve` has it, but repeated inputs need not be remembered."""
    contact = state.contact
    if not contact.created_at_ms:
        contact = replace(contact, created_at_ms=event.at_ms, updated_at_ms=event.at_ms)
    if not event.applied:
        return state if contact is state.contact else replace(state, contact=contact)
    data = event.personal.data
    contact = apply_fact(contact, event.event_type, data, event.at_ms)
    if event.event_type == "contact.sms_received":
        body = data.get("body")
        enrollments = {key: replace(e, last_sms_reply=body) for key, e in state.enrollments.items()}
        return replace(state, contact=contact, last_sms_reply=body, enrollments=enrollments)
    return state if contact is state.contact else replace(state, contact=contact)


def change(state: ContactState, event: j.ContactChanged) -> ContactState:
    """The state after another workflow's change that starts nothing."""
    contact = apply_fact(state.contact, event.change, event.personal.data, event.at_ms)
    return state if contact is state.contact else replace(state, contact=contact)


def stand(state: ContactState, event: j.JournalEvent) -> ContactState:
    """The state after an event about an enrollment that is not simulated: only that it was, and is open, and what it sent counts."""
    match event:
        case j.Enrolled():
            state = evolve(replace(state, seq=event.seq - 1), event)
            stand_in = Enrollment(
                id=event.enrollment_id, workflow_id=event.workflow_id, version=0, status=_STANDING, entered=True
            )
            return replace(state, enrollments={**state.enrollments, stand_in.id: stand_in})
        case j.EnrollmentCompleted() | j.EnrollmentExited() | j.EnrollmentCancelled():
            open_ones = {key: one for key, one in state.enrollments.items() if key != event.enrollment_id}
            return replace(state, enrollments=open_ones)
        case j.AttemptStarted() if event.channel is not None:
            return replace(state, sent=with_message(state, event))
        case j.AttemptFailed() if state.sent:
            return replace(state, sent=forget(state.sent, event.action_key))
        case j.ConsentChanged() | j.TriggerSkipped(reason="rate_guard"):
            return evolve(replace(state, seq=event.seq - 1), event)
        case _:
            return state


def is_stand_in(enrollment: Enrollment) -> bool:
    """Whether an enrollment in the state only stands for one that is not simulated."""
    return enrollment.version == 0
