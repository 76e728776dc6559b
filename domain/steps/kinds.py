"""The table of step kinds: what the definition language calls them, and what entering one does."""

from collections.abc import Callable
from typing import Final

from domain.fields import Scope
from domain.steps import (
    ab_split,
    change_tags,
    condition,
    delay,
    exit,
    http_request,
    plug_in,
    send_email,
    send_sms,
    update_field,
    wait_for_event,
)
from domain.steps.outcome import Outcome
from domain.workflow import Step

Enter = Callable[[Step, Scope], Outcome]

STEP_KINDS: Final[dict[str, Enter]] = {
    "send_sms": send_sms.enter,
    "send_email": send_email.enter,
    "add_tag": change_tags.add,
    "remove_tag": change_tags.remove,
    "update_field": update_field.enter,
    "delay": delay.enter,
    "wait_for_event": wait_for_event.enter,
    "condition": condition.enter,
    "ab_split": ab_split.enter,
    "http_request": http_request.enter,
    "exit": exit.enter,
}


def enter_of(kind: str) -> Enter:
    """What entering a step of this kind does; a kind that is not in the table is a plug-in's."""
    return STEP_KINDS.get(kind, plug_in.enter)


MESSAGE_KINDS: Final = {"send_sms": send_sms.CHANNEL, "send_email": send_email.CHANNEL}
"""Step kinds that send a message to a person, and their channels."""

WAITS: Final = frozenset({"delay", "wait_for_event"})
"""Step kinds that wait: they are late when their time is over, never when they begin."""

MESSAGE_CHANNELS: Final = frozenset(MESSAGE_KINDS.values())
"""Channels whose unknown outcomes are never repeated by the engine: a person might get two messages."""
