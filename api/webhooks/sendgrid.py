"""SendGrid's events, and what each of them tells about a message or about an address.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from typing import Final

import msgspec

from api.webhooks.deliveries import report_of
from domain.command import ChangeConsent, ReportDelivery
from domain.consent import normal_address
from domain.delivery import ENDS_CONSENT
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
_OPTED_IN: Final = "opted_in"
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
    status = _status(event)
    if status is None:
        return None
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


def address_of(event: Event) -> str | None:
    """The address that is not written to any more, or again; None when the event says nothing of consent."""
    return normal_address("email", _clean(event.email)) or None if _consent(event) is not None else None


def consent_of(event: Event, contact_id: str) -> ChangeConsent | None:
    """What it means for a contact who has the address."""
    reason = _consent(event)
    if reason is None or not event.email:
        return None
    return ChangeConsent(
        command_id=deterministic_uuid("consent", "sendgrid", event.sg_event_id, event.email, contact_id),
        contact_id=_clean(contact_id),
        channel="email",
        address=_clean(event.email),
        allowed=reason == _OPTED_IN,
        reason=reason,
    )


def _status(event: Event) -> str | None:
    """The delivery's status under our own name."""
    status = STATUSES.get(event.event)
    return "failed" if status == "bounced" and event.type == _BLOCKED else status


def _consent(event: Event) -> str | None:
    """The reason for which consent ends or is there again, if it is."""
    return _OPTED_IN if event.event == _RESUBSCRIBED else ENDS_CONSENT.get(_status(event) or "")


def _clean(text: str) -> str:
    return text.replace("\0", "")


def _milliseconds(seconds: float | None) -> int | None:
    return int(seconds * 1000) if seconds is not None and 0 < seconds < _MAX_TIME_S else None
