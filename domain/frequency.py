"""Frequency caps: at most so many messages to a contact within a span of time, whatever workflow they are of.

A contact's state remembers its last messages: each action once, from the start of its last attempt, unless its provider
surely did not take it. The memory is bounded, and no cap may ask for more than it holds.
"""

from typing import Final

import msgspec

MAX_MESSAGES: Final = 50
"""Of one channel: the most that a cap may allow, and how many are remembered."""
MAX_SPAN_MS: Final = 30 * 86_400_000
"""The longest span of a cap, and how long a message is remembered."""


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """A message that went to a provider, or may have."""

    channel: str
    action_key: str
    at_ms: int


class FrequencyCap(msgspec.Struct, frozen=True, kw_only=True):
    """At most `messages` within `span_ms`; what is over the cap waits, or is skipped."""

    messages: int
    span_ms: int
    channel: str | None = None
    """The only channel that counts; None: all of them together."""
    skips: bool = False


def remember(sent: tuple[Sent, ...], message: Sent) -> tuple[Sent, ...]:
    """The memory with one more message, in order of time; what no cap can ask for is forgotten."""
    others = [one for one in forget(sent, message.action_key) if one.at_ms > message.at_ms - MAX_SPAN_MS]
    same = [one for one in others if one.channel == message.channel]
    if len(same) >= MAX_MESSAGES:
        others.remove(same[0])
    return (*others, message)


def forget(sent: tuple[Sent, ...], action_key: str) -> tuple[Sent, ...]:
    """The memory without an action's message: its provider did not take it."""
    return tuple(one for one in sent if one.action_key != action_key)


def free_at(cap: FrequencyCap, sent: tuple[Sent, ...], action_key: str, now_ms: int) -> int:
    """The first moment from `now_ms` on at which one more message is within the cap; the action's own does not count."""
    times = [
        one.at_ms
        for one in sent
        if one.action_key != action_key and one.at_ms > now_ms - cap.span_ms and cap.channel in (None, one.channel)
    ]
    if len(times) < cap.messages:
        return now_ms
    return times[len(times) - cap.messages] + cap.span_ms
