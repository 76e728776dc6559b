"""Consents: which addresses a contact is not written to, and which she allowed again."""

from domain import journal as j
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from schemas.event_log import Record


def _changed(changes: RowChanges, event: j.ConsentChanged, _: Record) -> None:
    key = (event.contact_id, event.channel, event.personal.address)
    changes.consents.insert(
        key,
        {
            "contact_id": event.contact_id,
            "channel": event.channel,
            "address": event.personal.address,
            "allowed": event.allowed,
            "reason": event.reason,
            "at": event.at_ms,
        },
    )


MODEL = ReadModel(name="consents", tables=(tables.consents,), journal={j.ConsentChanged: _changed})
