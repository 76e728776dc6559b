"""SendGrid's events, and what each of them tells about a message or about an address.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from typing import Final

import msgspec

from api.webhooks.deliveries import report_of
from domain.command import ChangeConsent, ReportDelivery
from domain.ids import deterministic_uuid

STATUSES: Final = {
    "processed": "processed",
    "deferred": "deferred",
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "dropped",
    "open": "opened",
    "click": "clicked",
    "spamreport": "spam_reported",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
_RESUBSCRIBED: Final = "group_resubscribe"
_BLOCKED: Final = "blocked"
"""The type of a bounce that says nothing of the address: the server refused this message, for now."""
_MAX_TIME_S: Final = 253_402_300_799


class Event(msgspec.Struct, frozen=True):
    """One event; fields that it does not have are empty. `action_key` and `contact` are our own custom arguments."""

    event: str = ""
    email: str = ""
    sg_event_id: str = ""
    sg_message_id: str = ""
    timestamp: int | float | None = None
    type: str | None = None
    status: str | None = None
    reason: str | None = None
    action_key: str = ""
    contact: str = ""


def delivery_of(event: Event, contact_id: str) -> ReportDelivery | None:
    """What it says of one of our messages; None when it is about something else."""
    status = STATUSES.get(event.event)
    if status is None:
        return None
    if status == "bounced" and event.type == _BLOCKED:
        status = "failed"
    return report_of(
        provider="sendgrid",
        action_key=_clean(event.action_key),
        contact_id=_clean(contact_id),
        channel="email",
        status=status,
        event_id=_clean(event.sg_event_id),
        recipient=_clean(event.email),
        provider_id=_clean(event.sg_message_id).partition(".")[0] or None,
        code=_clean(event.status or "") or None,
        occurred_at_ms=_milliseconds(event.timestamp),
    )


def consent_of(event: Event, contact_id: str) -> ChangeConsent | None:
    """A contact who subscribes again may be written to again."""
    if event.event != _RESUBSCRIBED or not event.email:
        return None
    return ChangeConsent(
        command_id=deterministic_uuid("consent", "sendgrid", event.sg_event_id, event.email),
        contact_id=_clean(contact_id),
        channel="email",
        address=_clean(event.email),
        allowed=True,
        reason="opted_in",
    )


def _clean(text: str) -> str:
    return text.replace("\0", "")


def _milliseconds(seconds: float | None) -> int | None:
    return int(seconds * 1000) if seconds is not None and 0 < seconds < _MAX_TIME_S else None
