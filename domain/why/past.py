"""The past of a contact: each of its journal events, with the state around it and the definitions in force."""

from collections.abc import Callable, Iterable

import msgspec

from domain import journal as j
from domain.catalogue import Catalogue
from domain.evolve import evolve, initial
from domain.state import ContactState


class Moment(msgspec.Struct, frozen=True):
    """One journal event as it met the world."""

    event: j.JournalEvent
    before: ContactState
    after: ContactState
    catalogue: Catalogue
    """The definitions that were in force when the event was decided; those of the workflow in question are enough."""


Past = list[Moment]


def recall(contact_id: str, events: Iterable[j.JournalEvent], catalogue_of: Callable[[int], Catalogue]) -> Past:
    """The contact's journal, folded event by event.

    Args:
        contact_id: whose journal it is.
        events: all of it, from its first event on, up to any moment.
        catalogue_of: the definitions in force at the event with this seq.

    Raises:
        JournalGap: an event is missing.
    """
    past: Past = []
    state = initial(contact_id)
    for event in events:
        after = evolve(state, event)
        past.append(Moment(event, state, after, catalogue_of(event.seq)))
        state = after
    return past
