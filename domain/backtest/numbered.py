"""A decision whose causes have the numbers that they really had, so that what they cause has its real id."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.decision import Context, Decision, E
from domain.state import ContactState

CAUSES: Final = frozenset({j.ContactEventAccepted, j.CommandResulted, j.ContactChanged})
"""Events whose `seq` goes into the id of an enrollment that they start."""

Number = Callable[[type[j.JournalEvent], dict[str, Any]], int]
"""The seq of a cause of this type with these fields."""


class NumberedDecision(Decision):
    """Numbers its causes as `number` says; all else is counted on from there, and nothing hangs on it."""

    __slots__ = ("_number",)

    def __init__(self, state: ContactState, context: Context, number: Number) -> None:
        super().__init__(state, context)
        self._number = number

    def record(self, kind: type[E], **fields: Any) -> E:
        """Decide one event."""
        if kind in CAUSES:
            self.state = replace(self.state, seq=self._number(kind, fields) - 1)
        return super().record(kind, **fields)
