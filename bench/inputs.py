"""The contact events that benchmarks feed in, as the API and the CRM write them: CloudEvents in binary mode."""

from collections.abc import Sequence
from typing import Any

from domain.contact_event import ContactEvent
from domain.partition import home_partition
from schemas.contact_event import cloud_event
from schemas.event_log import EventLog, NewRecord
from schemas.topics import CONTACT_EVENTS

APPEND = 5_000
"""Records in one append, when many are put into the log beforehand."""


def contact_event(partitions: int, contact_id: str, event_id: str, kind: str, data: dict[str, Any]) -> NewRecord:
    """A contact event, for the partition that is its contact's home."""
    event = ContactEvent(contact_id=contact_id, source="crm", id=event_id, type=kind, data=data)
    value, headers = cloud_event(event)
    partition = home_partition(contact_id, partitions)
    return NewRecord(topic=CONTACT_EVENTS, partition=partition, key=contact_id.encode(), value=value, headers=headers)


def created(partitions: int, number: int) -> NewRecord:
    """A new contact."""
    contact = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"ada{number}@example.com",
        "phone": f"+1555{number:07}",
        "source": "facebook_ad",
        "tags": ["lead"],
    }
    return contact_event(
        partitions, f"contact-{number:07}", f"created-{number}", "contact.created", {"contact": contact}
    )


async def append(log: EventLog, records: Sequence[NewRecord]) -> None:
    """Put records into the log, many at a time."""
    for start in range(0, len(records), APPEND):
        await log.append(records[start : start + APPEND])
