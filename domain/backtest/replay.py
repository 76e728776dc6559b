"""A partition's journal replayed: contacts that matter live again, of the others only what they are is kept."""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import msgspec

from domain import journal as j
from domain.backtest import others
from domain.backtest.contact import ReplayedContact, Simulation
from domain.backtest.happened import Happened
from domain.backtest.life import Note
from domain.catalogue import Catalogue, Entry
from domain.evolve import initial
from domain.ids import enrollment_id
from domain.state import ContactState
from domain.triggers import about, index_triggers


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What is tested, and when: enrollments whose cause lies in `since_ms <= at < until_ms` are simulated."""

    workflow_id: str
    since_ms: int
    until_ms: int


class Replay:
    """Takes a partition's events in order, by bursts: the consecutive events of one contact."""

    def __init__(self, window: Window, simulations: Sequence[Simulation], really: Note) -> None:
        """Begin before the first event.

        Args:
            window: what is tested, and when.
            simulations: one for each candidate of the workflow.
            really: hears what really happened to the enrollments that are simulated.
        """
        self._window, self._simulations, self._really = window, simulations, really
        self._triggers = index_triggers(one.rules.candidate for one in simulations)
        self._contacts: dict[str, ContactState] = {}
        self._replayed: dict[str, ReplayedContact] = {}
        self._agenda: list[tuple[int, str]] = []
        self._catalogue = Catalogue()
        self._touched = False
        """Whether open enrollments must hear of the definitions in force."""

    @property
    def replayed(self) -> dict[str, ReplayedContact]:
        """The contacts that the workflow touched."""
        return self._replayed

    def stands(self, contact_id: str) -> bool:
        """Whether an enrollment is open, in a contact that is not replayed, that counts for the re-entry rules."""
        state = self._contacts.get(contact_id)
        return state is not None and bool(state.enrollments)

    def quiet(self, event: j.JournalEvent) -> bool:
        """Fold an event of a contact that is not replayed; False, and nothing done, if it may start something.

        Then its burst from this event on is to be replayed.
        """
        if self._may_start(event):
            return False
        contact_id = event.contact_id
        state = self._contacts.get(contact_id)
        folded = _fold(state or initial(contact_id), event)
        if folded is not state:
            self._contacts[contact_id] = folded
        return True

    def burst(self, contact_id: str, events: Sequence[j.JournalEvent]) -> None:
        """Replay consecutive events of a contact: whole decisions."""
        if self._agenda and self._agenda[0][0] < events[0].at_ms:
            self.let_pass(events[0].at_ms)
        contact = self._replayed.get(contact_id)
        if contact is None:
            self._wake(contact_id, events)
        else:
            contact.burst(events)
            self._arm(contact_id, contact)

    def catalogue_is(self, catalogue: Catalogue, at_ms: int) -> None:
        """Other definitions are in force."""
        self.let_pass(at_ms)
        self._touched = self._touched or _touches(self._catalogue, catalogue)
        self._catalogue = catalogue
        for simulation in self._simulations:
            simulation.rules.catalogue_is(catalogue)

    def reconciled(self, at_ms: int) -> None:
        """Every open enrollment of the partition has heard of the definitions in force."""
        if not self._touched:
            return
        self._touched = False
        self.let_pass(at_ms)
        for contact_id, contact in self._replayed.items():
            contact.reconcile(at_ms)
            self._arm(contact_id, contact)

    def let_pass(self, until_ms: int) -> None:
        """Fire the timers that are due before `until_ms` and are not in the journal."""
        agenda = self._agenda
        while agenda and agenda[0][0] < until_ms:
            due_ms, contact_id = heappop(agenda)
            contact = self._replayed[contact_id]
            if contact.armed_ms == due_ms:
                contact.armed_ms = None
                contact.fire_due(until_ms)
                self._arm(contact_id, contact)

    def finish(self) -> None:
        """The journal is read to its end, or to the window's."""
        self.let_pass(self._window.until_ms)

    def _may_start(self, event: j.JournalEvent) -> bool:
        """Whether a candidate might enrol the contact here, or the workflow really did."""
        if event.at_ms < self._window.since_ms:
            return False
        match event:
            case j.ContactEventAccepted():
                hears = event.fires and event.applied
                return hears and bool(about(self._triggers, event.event_type, event.personal.data))
            case j.ContactChanged():
                return bool(about(self._triggers, event.change, event.personal.data))
            case j.Enrolled():
                return event.workflow_id == self._window.workflow_id
            case j.CommandResulted():
                return event.enrollment_id == enrollment_id(self._window.workflow_id, event.contact_id, event.seq)
            case _:
                return False

    def _wake(self, contact_id: str, events: Sequence[j.JournalEvent]) -> None:
        """Replay a contact from here on, unless nothing comes of it."""
        window = self._window
        state = self._contacts.pop(contact_id, None) or initial(contact_id)
        happened = Happened(contact_id, window.workflow_id, window.since_ms)
        contact = ReplayedContact(state, happened, self._simulations, self._really)
        contact.burst(events)
        if contact.untouched and contact.states:
            self._contacts[contact_id] = contact.states[0]
            return
        self._replayed[contact_id] = contact
        self._arm(contact_id, contact)

    def _arm(self, contact_id: str, contact: ReplayedContact) -> None:
        due_ms = contact.next_due_ms
        if due_ms is not None and (contact.armed_ms is None or due_ms < contact.armed_ms):
            contact.armed_ms = due_ms
            heappush(self._agenda, (due_ms, contact_id))


def _touches(before: Catalogue, after: Catalogue) -> bool:
    """Whether a workflow was paused, resumed, archived, or published with something to be done about its enrollments."""
    changed = ((before.entries.get(key), entry) for key, entry in after.entries.items())
    return any(old is not None and old is not new and _standing(old) != _standing(new) for old, new in changed)


def _standing(entry: Entry) -> tuple[Any, ...]:
    return entry.status, entry.paused_at_ms, entry.resumed_at_ms, entry.in_flight


def _fold(state: ContactState, event: j.JournalEvent) -> ContactState:
    match event:
        case j.ContactEventAccepted():
            return others.learn(state, event)
        case j.ContactChanged():
            return others.change(state, event)
        case _:
            return others.stand(state, event)
