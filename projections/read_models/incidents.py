"""Incidents: work that stopped and needs a person."""

from typing import Final

from domain import journal as j
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from schemas.event_log import Record


def _opened(changes: RowChanges, event: j.IncidentOpened, _: Record) -> None:
    enrollment = changes.enrollments.get(event.enrollment_id) if event.enrollment_id else None
    changes.incidents.insert(
        event.incident_id,
        {
            "id": event.incident_id,
            "enrollment_id": event.enrollment_id,
            "contact_id": event.contact_id or None,
            "workflow_id": event.workflow_id or (enrollment["workflow_id"] if enrollment else None),
            "step_id": event.step_id,
            "code": event.code,
            "message": event.personal.message,
            "status": "open",
            "resolution": None,
            "opened_at": event.at_ms,
            "resolved_at": None,
        },
    )


def _resolved(changes: RowChanges, event: j.IncidentResolved, _: Record) -> None:
    resolved = {"status": "resolved", "resolution": event.resolution, "resolved_at": event.at_ms}
    changes.incidents.set(event.incident_id, resolved)


_CHANNELS: Final = {"sms": "SMS", "email": "e-mail"}


def _paused(changes: RowChanges, event: j.ChannelPaused, _: Record) -> None:
    """One incident for all that waits for the channel's provider; it closes itself."""
    channel = _CHANNELS.get(event.channel, event.channel)
    message = (
        f"the provider of the channel {channel} is down ({event.code}): what is to be sent waits, in order, and goes out when "
        "it answers again"
    )
    changes.incidents.insert(
        event.incident_id,
        {
            "id": event.incident_id,
            "enrollment_id": None,
            "contact_id": None,
            "workflow_id": None,
            "step_id": None,
            "code": "channel_paused",
            "message": message,
            "status": "open",
            "resolution": None,
            "opened_at": event.at_ms,
            "resolved_at": None,
        },
    )


def _resumed(changes: RowChanges, event: j.ChannelResumed, _: Record) -> None:
    resolved = {"status": "resolved", "resolution": "recovered", "resolved_at": event.at_ms}
    changes.incidents.set(event.incident_id, resolved)


MODEL = ReadModel(
    name="incidents",
    tables=(tables.incidents,),
    reads=("enrollments",),
    journal={
        j.IncidentOpened: _opened,
        j.IncidentResolved: _resolved,
        j.ChannelPaused: _paused,
        j.ChannelResumed: _resumed,
    },
)
