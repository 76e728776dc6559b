"""Events about the contact itself: facts that were accepted, changes that steps made, and results of commands."""

from msgspec.structs import replace

from domain import journal as j
from domain.appliers.seen import COMMAND_SOURCE, remember, seen_key
from domain.contact import apply_fact
from domain.state import ContactState


def contact_event_accepted(state: ContactState, event: j.ContactEventAccepted) -> ContactState:
    """The fact stands, unless it is an echo; either way it is remembered."""
    contact = state.contact
    if not contact.created_at_ms:
        contact = replace(contact, created_at_ms=event.at_ms, updated_at_ms=event.at_ms)
    seen = remember(state.seen, seen_key(event.source, event.event_id), event.at_ms)
    if not event.applied:
        return replace(state, seq=event.seq, contact=contact, seen=seen)
    data = event.personal.data
    contact = apply_fact(contact, event.event_type, data, event.at_ms)
    if event.event_type != "contact.sms_received":
        return replace(state, seq=event.seq, contact=contact, seen=seen)
    body = data.get("body")
    enrollments = {key: replace(e, last_sms_reply=body) for key, e in state.enrollments.items()}
    return replace(state, seq=event.seq, contact=contact, seen=seen, last_sms_reply=body, enrollments=enrollments)


def contact_changed(state: ContactState, event: j.ContactChanged) -> ContactState:
    """A step's change stands as a fact does."""
    contact = apply_fact(state.contact, event.change, event.personal.data, event.at_ms)
    return replace(state, seq=event.seq, contact=contact)


def command_resulted(state: ContactState, event: j.CommandResulted) -> ContactState:
    """The command is remembered."""
    seen = remember(state.seen, seen_key(COMMAND_SOURCE, event.command_id), event.at_ms)
    return replace(state, seq=event.seq, seen=seen)


def unchanged(state: ContactState, event: j.JournalEvent) -> ContactState:
    """The event is for the read side alone."""
    return replace(state, seq=event.seq)
