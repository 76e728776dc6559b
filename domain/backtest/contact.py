"""One contact that the tested workflow touched: what really happened, and its lives with the candidates in force."""

from collections.abc import Sequence

from domain import journal as j
from domain.backtest.happened import Happened
from domain.backtest.life import Life, Note
from domain.backtest.rules import Rules
from domain.state import ContactState


class Simulation:
    """A candidate's rules, and who hears what it decides."""

    __slots__ = ("note", "rules")

    def __init__(self, rules: Rules, note: Note) -> None:
        self.rules, self.note = rules, note


class ReplayedContact:
    """Replays one contact for every candidate at once; what really happened is folded once."""

    __slots__ = ("_happened", "_lives", "_really", "armed_ms")

    def __init__(
        self, state: ContactState, happened: Happened, simulations: Sequence[Simulation], really: Note
    ) -> None:
        self._happened, self._really = happened, really
        self._lives = [Life(state, one.rules, happened, one.note) for one in simulations]
        self.armed_ms: int | None = None
        """When the agenda looks at it."""

    @property
    def states(self) -> list[ContactState]:
        """What the contact came to with each candidate."""
        return [life.state for life in self._lives]

    @property
    def untouched(self) -> bool:
        """Whether nothing was enrolled: it is all the same to it which candidate is in force."""
        return self._happened.is_empty and not any(life.enrolled for life in self._lives)

    @property
    def next_due_ms(self) -> int | None:
        """When the next timer is due that is not in the journal."""
        due = [due_ms for life in self._lives if (due_ms := life.next_due_ms()) is not None]
        return min(due, default=None)

    def burst(self, events: Sequence[j.JournalEvent]) -> None:
        """Take consecutive events of the contact in: whole decisions."""
        self._happened.begin(events)
        before: j.JournalEvent | None = None
        for event in events:
            concerns = self._happened.concerns(event, before)
            for life in self._lives:
                life.hear(event, before, concerns=concerns)
            if concerns:
                self._happened.apply(event)
                self._really(event)
            before = event
        for life in self._lives:
            life.settle()
        self._happened.begin(())

    def fire_due(self, before_ms: int) -> None:
        """Let time pass."""
        for life in self._lives:
            life.fire_due(before_ms)

    def reconcile(self, now_ms: int) -> None:
        """Every open enrollment has heard of the catalogue in force."""
        for life in self._lives:
            life.reconcile(now_ms)
