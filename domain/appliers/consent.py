"""Events about consent and deliveries: what may be sent, and what became of what was."""

from msgspec.structs import replace

from domain import journal as j
from domain.appliers.seen import COMMAND_SOURCE, remember, seen_key
from domain.consent import Suppression
from domain.delivery import is_newer
from domain.enrollment import Reports
from domain.state import ContactState


def consent_changed(state: ContactState, event: j.ConsentChanged) -> ContactState:
    """The address is suppressed on its channel, or no longer."""
    channel, address = event.channel, event.personal.address
    others = tuple(one for one in state.suppressions if (one.channel, one.address) != (channel, address))
    mine = () if event.allowed else (Suppression(channel, address, event.reason, event.at_ms),)
    return replace(state, seq=event.seq, suppressions=others + mine)


def delivery_reported(state: ContactState, event: j.DeliveryReported) -> ContactState:
    """The report is remembered; a status that is further on than the known one is the step's from here on."""
    seen = remember(state.seen, seen_key(COMMAND_SOURCE, event.command_id), event.at_ms)
    enrollment = state.enrollments.get(event.enrollment_id)
    if enrollment is None or enrollment.visits.get(event.step_id) != event.visit:
        return replace(state, seq=event.seq, seen=seen)
    known = enrollment.reports_of(event.step_id)
    if event.status not in known:
        reports = {**enrollment.reports, event.step_id: Reports(event.visit, (*known, event.status))}
        enrollment = replace(enrollment, reports=reports)
    output = enrollment.outputs.get(event.step_id)
    if output is not None and is_newer(output.get("status"), event.status):
        outputs = {**enrollment.outputs, event.step_id: {**output, "status": event.status}}
        enrollment = replace(enrollment, outputs=outputs)
    return replace(state, seq=event.seq, seen=seen, enrollments={**state.enrollments, enrollment.id: enrollment})
