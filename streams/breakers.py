"""The breakers of a worker, one a channel that has one provider, and the timers that say when to look at them again.

`http` has none: its requests go to many services, and one that is down says nothing of the others. Their steps' own
back-off is what spares those.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from streams.breaker import Breaker, Permit

WITHOUT: Final = frozenset({"http"})
_log = structlog.get_logger(__name__)


class Breakers:
    """Breakers by channel, made as channels come up."""

    def __init__(self, more_room: Callable[[], None], drain_per_second: float) -> None:
        self._more_room, self._per_second = more_room, drain_per_second
        self._by_channel: dict[str, Breaker] = {}
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def room(self, channel: str) -> float:
        """How many calls of the channel may begin now."""
        breaker = self._by_channel.get(channel)
        return math.inf if breaker is None else breaker.room()

    def begin(self, channel: str) -> Permit | None:
        """Take room for one call; None when there is none."""
        if channel in WITHOUT:
            return 0
        breaker = self._of(channel)
        permit = breaker.begin()
        self._look_again(channel, breaker)
        return permit

    def presume_down(self, channel: str) -> None:
        """The journal says that the channel's provider was down; of one that was called since, this worker knows better."""
        if channel not in self._by_channel:
            self._of(channel).presume_down("down_before")

    def end(self, channel: str, permit: Permit, *, outage: bool | None, code: str | None) -> None:
        """A call ended (see `Breaker.end`)."""
        breaker = self._by_channel.get(channel)
        if breaker is None:
            return
        before = breaker.state
        breaker.end(permit, outage=outage, code=code)
        if breaker.state != before:
            _log.warning("channel.state", channel=channel, state=breaker.state, code=breaker.code)
        self._look_again(channel, breaker)

    def outages(self) -> Mapping[str, str]:
        """Channels whose provider counts as down, and what the last call came to."""
        return {name: one.code or "" for name, one in self._by_channel.items() if one.is_outage}

    def states(self) -> Mapping[str, bool]:
        """Of each channel that has a breaker, whether its provider counts as down."""
        return {name: one.is_outage for name, one in self._by_channel.items()}

    def _look_again(self, channel: str, breaker: Breaker) -> None:
        """Have somebody look when time gives room, as no call's end will say so."""
        wait_s = breaker.wait_s()
        if wait_s is None or channel in self._handles:
            return
        self._handles[channel] = asyncio.get_running_loop().call_later(wait_s, self._looked, channel, breaker)

    def _looked(self, channel: str, breaker: Breaker) -> None:
        self._handles.pop(channel, None)
        self._more_room()
        if breaker.room() < 1 or breaker.state == "draining":
            self._look_again(channel, breaker)

    def _of(self, channel: str) -> Breaker:
        breaker = self._by_channel.get(channel)
        if breaker is None:
            breaker = self._by_channel[channel] = Breaker(time.monotonic, self._per_second)
        return breaker
