"""Facts as the journal holds them: what an accepted contact event or a step's change tells triggers and conditions."""

from typing import Any, Final

import msgspec

from domain import journal as j
from domain.contact import Contact, apply_fact, field_value
from domain.times import format_time

CHANGED_BY: Final = "headrace"
"""The `source` of a change that a step made."""

Fact = j.ContactEventAccepted | j.ContactChanged


def type_of(fact: Fact) -> str:
    """The fact's type, as `contact.tag_added`."""
    return fact.event_type if isinstance(fact, j.ContactEventAccepted) else fact.change


def envelope_of(fact: Fact) -> dict[str, Any]:
    """The event that `event.` reads in a trigger's conditions, and in the enrollment that it starts."""
    match fact:
        case j.ContactEventAccepted():
            id_, source, time = fact.event_id, fact.source, fact.time
        case j.ContactChanged():
            id_, source, time = fact.id, CHANGED_BY, format_time(fact.at_ms)
    return {"id": id_, "type": type_of(fact), "source": source, "time": time, "data": fact.personal.data}


class News(msgspec.Struct, frozen=True):
    """A fact as triggers and waits hear it."""

    type: str
    data: dict[str, Any]
    """With a field's old value, which is optional in what a sender tells."""
    seq: int
    """Of the fact in the contact's journal."""
    hops: int
    event: dict[str, Any]
    """What `event.` reads."""


def news_of(before: Contact, fact: Fact) -> News | None:
    """What is to be heard of a fact; None when it changed nothing. `before` is the contact before it."""
    kind, data = type_of(fact), fact.personal.data
    if not is_news(before, kind, data):
        return None
    return News(kind, with_old_value(before, kind, data), fact.seq, fact.hops, envelope_of(fact))


def is_news(before: Contact, event_type: str, data: dict[str, Any]) -> bool:
    """Whether the fact changed what it is about (a repeated tag or an equal value sets off nothing)."""
    if event_type == "contact.created":
        return not before.created
    if event_type in ("contact.tag_added", "contact.tag_removed", "contact.field_updated"):
        return apply_fact(before, event_type, data, 0) is not before
    return True


def with_old_value(before: Contact, event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    """A field's old value is optional in what a sender tells, and known here."""
    if event_type != "contact.field_updated" or "old_value" in data:
        return data
    return data | {"old_value": field_value(before, data["field"])}
