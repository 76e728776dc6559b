"""A contact event that came over HTTP, as the record that any other sender would have written."""

from typing import Final
from uuid import UUID

from api.problems import Problem, TooLarge, Unprocessable
from api.services import Services
from domain.contact_event import ContactEvent
from domain.partition import home_partition
from schemas.api_bodies import ContactEventBody
from schemas.contact_event import UnreadableContactEvent, cloud_event, read_contact_event
from schemas.event_log import NewRecord

SOURCE: Final = "api"
"""The source of an event that names none; an event's id is unique within its source."""


def event_record(services: Services, contact_id: str, body: ContactEventBody, command_id: UUID) -> NewRecord:
    """The record; without an id of its own, the event has that of its command, so a repeated request is a duplicate.

    Raises:
        Unprocessable: the engine could not read it; the record would end among the dead letters.
        TooLarge: it is larger than the engine takes.
    """
    event = ContactEvent(
        contact_id=contact_id,
        source=body.source or SOURCE,
        id=body.id or str(command_id),
        type=body.type,
        data=body.data,
        time=body.time,
        command_id=str(command_id),
    )
    value, headers = cloud_event(event)
    record = NewRecord(
        topic=services.topics.contact_events,
        partition=home_partition(contact_id, services.partitions),
        key=contact_id.encode(),
        value=value,
        headers=headers,
    )
    try:
        read_contact_event(
            topic=record.topic, partition=record.partition, offset=0, key=record.key, value=value, headers=headers
        )
    except UnreadableContactEvent as error:
        raise _problem(error) from error
    return record


def _problem(error: UnreadableContactEvent) -> Problem:
    kind = TooLarge if error.reason == "oversize" else Unprocessable
    return kind(str(error), code=error.reason)
