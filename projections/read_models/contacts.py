"""Contacts as their facts left them: the same fold of facts as the engine's own."""

from typing import Any

from domain import journal as j
from domain.contact import ATTRIBUTES, Contact, apply_fact
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from projections.rows import Row
from projections.sql_text import as_stored
from schemas.event_log import Record

_FOLDED = (*ATTRIBUTES, "tags", "custom_fields", "created")
"""The columns that a fact may change; they are named as in the contact."""


def _accepted(changes: RowChanges, event: j.ContactEventAccepted, _: Record) -> None:
    row = changes.contacts.get(event.contact_id) or _bare(changes, event)
    if not event.applied:
        return
    _apply(changes, row, event, event.event_type, event.personal.data)
    if event.event_type == "contact.sms_received":
        reply = {"last_sms_reply": event.personal.data.get("body"), "seq": event.seq}
        changes.contacts.set(event.contact_id, reply)


def _changed(changes: RowChanges, event: j.ContactChanged, _: Record) -> None:
    row = changes.contacts.get(event.contact_id) or _bare(changes, event)
    _apply(changes, row, event, event.change, event.personal.data)


def _bare(changes: RowChanges, event: j.JournalEvent) -> Row:
    attributes = dict.fromkeys(ATTRIBUTES)
    row: Row = {
        "id": event.contact_id,
        **attributes,
        "tags": (),
        "custom_fields": {},
        "created": False,
        "last_sms_reply": None,
        "seq": event.seq,
        "created_at": event.at_ms,
        "updated_at": event.at_ms,
    }
    changes.contacts.insert(event.contact_id, row)
    return row


def _apply(changes: RowChanges, row: Row, event: j.JournalEvent, fact: str, data: dict[str, Any]) -> None:
    before = Contact(id=event.contact_id, **{name: row[name] for name in _FOLDED})
    after = apply_fact(before, fact, as_stored(data), event.at_ms)
    if after is before:
        return
    changed = {name: getattr(after, name) for name in _FOLDED if getattr(after, name) is not row[name]}
    changes.contacts.set(event.contact_id, {**changed, "seq": event.seq, "updated_at": event.at_ms})


MODEL = ReadModel(
    name="contacts", tables=(tables.contacts,), journal={j.ContactEventAccepted: _accepted, j.ContactChanged: _changed}
)
