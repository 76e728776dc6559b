"""The inputs behind real events: what the engine was told when it decided them."""

from typing import Any, Final

from domain import command as c
from domain import journal as j
from domain.action import NOT_FOUND
from domain.backtest.happened import Happened
from domain.contact_event import ContactEvent
from domain.enrollment import PendingAction

_ON_ENROLLMENT: Final[dict[str, type[Any]]] = {
    "cancel_enrollment": c.CancelEnrollment,
    "pause_enrollment": c.PauseEnrollment,
    "resume_enrollment": c.ResumeEnrollment,
    "retry_enrollment": c.RetryEnrollment,
    "repair_enrollment": c.RepairEnrollment,
}
_DELIVERY: Final = tuple(name for name in c.ReportDelivery.__struct_fields__ if name != "recipient")


def fact_of(event: j.ContactEventAccepted) -> ContactEvent:
    """The contact event. It is no echo, so nothing needs to be known of its cause."""
    return ContactEvent(
        contact_id=event.contact_id,
        source=event.source,
        id=event.event_id,
        type=event.event_type,
        data=event.personal.data,
        time=event.time,
        hops=event.hops,
        fires=event.fires,
    )


def command_of(event: j.CommandResulted, happened: Happened) -> c.AnyCommand | None:
    """The operator's command about an enrollment; what it said beyond its type stands in what followed from it."""
    kind = _ON_ENROLLMENT.get(event.command_type)
    if kind is None:
        return None
    said: dict[str, Any] = {}
    match event.command_type:
        case "retry_enrollment" if retried := happened.following(event, j.EnrollmentRetried):
            said = {"how": retried.how}
        case "cancel_enrollment" if cancelled := happened.following(event, j.EnrollmentCancelled):
            said = {"reason": cancelled.reason}
        case "repair_enrollment" if repaired := happened.following(event, j.EnrollmentRepaired):
            said = {name: getattr(repaired, name) for name in ("step_id", "visit", "how", "by")}
            said["note"] = repaired.personal.message
    command: c.AnyCommand = kind(
        command_id=event.command_id, contact_id=event.contact_id, enrollment_id=event.enrollment_id, **said
    )
    return command


def delivery_of(event: j.DeliveryReported) -> c.ReportDelivery:
    """A provider's callback."""
    told: dict[str, Any] = {name: getattr(event, name) for name in _DELIVERY}
    return c.ReportDelivery(**told, recipient=event.personal.address)


def assumed_outcome(assumed: str, contact_id: str, enrollment_id: str, action: PendingAction) -> c.ReportOutcome:
    """What is taken to become of an action of which nothing is known."""
    succeeds = assumed == "succeed"
    return c.ReportOutcome(
        command_id=f"backtest/{action.key}",
        contact_id=contact_id,
        enrollment_id=enrollment_id,
        action_key=action.key,
        attempt=action.attempt,
        outcome="succeeded" if succeeds else "failed",
        code=None if succeeds else "assumed",
        output={"simulated": True} if succeeds else {},
    )


def nothing_found(contact_id: str, enrollment_id: str, action: PendingAction) -> c.ReportOutcome:
    """The answer of a provider that knows nothing of an attempt."""
    return c.ReportOutcome(
        command_id=f"backtest/{action.key}/asked",
        contact_id=contact_id,
        enrollment_id=enrollment_id,
        action_key=action.key,
        attempt=action.attempt,
        outcome="unknown",
        code=NOT_FOUND,
    )
