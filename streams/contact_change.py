"""A contact's change by a step, as the record that tells the CRM's services of it."""

from typing import Final

from domain import journal as j
from domain.contact_event import ContactEvent
from domain.times import format_time
from schemas.contact_event import cloud_event
from schemas.event_log import NewRecord

CHANGES_SOURCE: Final = "headrace"
"""The `source` of the changes that steps made."""


def change_record(event: j.ContactChanged, topic: str, partition: int) -> NewRecord:
    """The change as a contact event; its echo names the journal event that caused it."""
    value, headers = cloud_event(
        ContactEvent(
            contact_id=event.contact_id,
            source=CHANGES_SOURCE,
            id=event.id,
            type=event.change,
            data=event.personal.data,
            time=format_time(event.at_ms),
            causation_id=event.id,
            hops=event.hops,
        ),
        enrollment_id=event.enrollment_id,
    )
    return NewRecord(topic=topic, partition=partition, key=event.contact_id.encode(), value=value, headers=headers)
