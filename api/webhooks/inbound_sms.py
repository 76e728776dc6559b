"""An inbound SMS: whose it is, and what it becomes.

One contact with the number gets it, whom we wrote to last; a stop or start word reaches every other one by a command.
"""

from collections.abc import Sequence
from typing import Any

from multidict import MultiDict

from api.produce import command_record
from api.services import Services
from api.webhooks.deliveries import first
from domain.command import ChangeConsent
from domain.consent import keyword_of
from domain.contact_event import ContactEvent
from domain.ids import deterministic_uuid
from domain.partition import home_partition
from schemas.contact_event import cloud_event
from schemas.dead_letter import unsent_letter
from schemas.event_log import NewRecord

SOURCE = "twilio"
UNKNOWN_SENDER = "unknown_sender"


def sms_records(services: Services, form: MultiDict[str], contact_ids: Sequence[str]) -> list[NewRecord]:
    """The records to append. The message's own id makes it one event, however often Twilio tells it."""
    sid, sender = first(form, "MessageSid"), first(form, "From")
    data = {"body": first(form, "Body"), "from": sender, "to": first(form, "To"), "message_id": sid}
    if contact_ids:
        received = _event(services, contact_ids[0], sid, "contact.sms_received", data)
        return [received, *_consents(services, contact_ids[1:], sid, sender, data["body"])]
    stranger = f"sms:{sender}"[:128]
    received = _event(services, stranger, sid, "contact.sms_received", data)
    if services.webhooks.unknown_sender == "dead_letter":
        message = "no contact has the number that this SMS came from; replay it with the contact's id"
        return [unsent_letter(received, UNKNOWN_SENDER, message)]
    known = {"contact": {"phone": sender, "source": "sms"}}
    return [_event(services, stranger, f"{sid}/created", "contact.created", known), received]


def _event(services: Services, contact_id: str, event_id: str, type_: str, data: dict[str, Any]) -> NewRecord:
    event = ContactEvent(contact_id=contact_id, source=SOURCE, id=event_id, type=type_, data=data)
    value, headers = cloud_event(event)
    return NewRecord(
        topic=services.topics.contact_events,
        partition=home_partition(contact_id, services.partitions),
        key=contact_id.encode(),
        value=value,
        headers=headers,
    )


def _consents(services: Services, contact_ids: Sequence[str], sid: str, sender: str, body: str) -> list[NewRecord]:
    word = keyword_of(body)
    if word is None:
        return []
    commands = [
        ChangeConsent(
            command_id=deterministic_uuid("consent", SOURCE, sid, contact_id),
            contact_id=contact_id,
            channel="sms",
            address=sender,
            allowed=word == "start",
            reason="opted_in" if word == "start" else "opted_out",
        )
        for contact_id in contact_ids
    ]
    return [command_record(services, command) for command in commands]
