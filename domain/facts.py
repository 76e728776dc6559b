"""Facts as the journal holds them: what an accepted contact event or a step's change tells triggers and conditions."""

from typing import Any, Final

from domain import journal as j
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
