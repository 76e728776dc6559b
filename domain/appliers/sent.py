"""Events that say which messages a contact got: what frequency caps count."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain import journal as j
from domain.frequency import Sent, forget, remember
from domain.state import ContactState

_Case = Callable[[ContactState, Any], ContactState]


def counted(case: _Case) -> _Case:
    """The case of a started attempt, which counts as a message when it is one."""

    def on_state(state: ContactState, event: j.AttemptStarted) -> ContactState:
        after = case(state, event)
        return after if event.channel is None else replace(after, sent=with_message(state, event))

    return on_state


def with_message(state: ContactState, event: j.AttemptStarted) -> tuple[Sent, ...]:
    """The memory after an attempt to send a message."""
    return remember(state.sent, Sent(event.channel or "", event.action_key, event.at_ms))


def uncounted(case: _Case) -> _Case:
    """The case of an attempt that failed for certain: its message reached nobody."""

    def on_state(state: ContactState, event: j.AttemptFailed) -> ContactState:
        after = case(state, event)
        return replace(after, sent=forget(state.sent, event.action_key)) if state.sent else after

    return on_state
