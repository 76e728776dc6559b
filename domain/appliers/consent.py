"""Events about consent and deliveries: what may be sent, and what became of what was."""

from msgspec.structs import replace

from domain import journal as j
from domain.appliers.seen import COMMAND_SOURCE, remember, seen_key
from domain.consent import Suppression
from domain.delivery import is_newer
from domain.enrollment import Enrollment
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
    if enrollment is None or not _is_news(enrollment, event):
        return replace(state, seq=event.seq, seen=seen)
    output = {**enrollment.outputs[event.step_id], "status": event.status}
    told = replace(enrollment, outputs={**enrollment.outputs, event.step_id: output})
    return replace(state, seq=event.seq, seen=seen, enrollments={**state.enrollments, told.id: told})


def _is_news(enrollment: Enrollment, event: j.DeliveryReported) -> bool:
    output = enrollment.outputs.get(event.step_id)
    if output is None or enrollment.visits.get(event.step_id) != event.visit:
        return False
    return is_newer(output.get("status"), event.status)
