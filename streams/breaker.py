"""The circuit breaker of one channel: when its provider is down, calls are held back; when it is back, they drain.

It opens after so many calls in a row that a working provider would have answered otherwise, lets one call try after a
pause that doubles, and closes slowly: what has gathered goes out at a bounded pace, until less comes in than may go
out. It knows no clock of its own and no messages: whoever asks it hands over real seconds.
"""

import math
from collections.abc import Callable
from typing import Final, Literal

THRESHOLD: Final = 5
"""Calls in a row that open it, and that show, when they go well, that the provider has recovered."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
DRAIN_PER_SECOND: Final = 50.0
"""Calls a second after an outage, unless it is set otherwise."""
_LOOK_AGAIN_S: Final = 0.02

State = Literal["closed", "open", "draining"]
Permit = int
"""Which of the breaker's states a call began in: how it ends says nothing of a later one."""


class Breaker:
    """One channel's; closed at first."""

    def __init__(self, clock: Callable[[], float], drain_per_second: float = DRAIN_PER_SECOND) -> None:
        self._clock, self._per_second = clock, drain_per_second
        self._state: State = "closed"
        self._turn = 0
        self._in_a_row = 0
        """Calls that ended alike, one after the other: with an outage while it is closed, else without one."""
        self._pause_s = FIRST_PAUSE_S
        self._probe_at_s = 0.0
        self._probing = False
        self._tokens, self._counted_at_s = 0.0, 0.0
        self.code: str | None = None
        """What the last call came to that opened it, or kept it open."""

    @property
    def state(self) -> State:
        """`closed` (calls go out), `open` (none does, but probes) or `draining` (at a bounded pace)."""
        if self._state == "draining" and self._drained():
            self._close()
        return self._state

    @property
    def is_outage(self) -> bool:
        """Whether the provider counts as down: from the opening until calls went well again, one after the other."""
        return self.state == "open" or (self._state == "draining" and self._in_a_row < THRESHOLD)

    def room(self) -> float:
        """How many calls may begin now."""
        match self.state:
            case "closed":
                return math.inf
            case "open":
                return 0 if self._probing or self._clock() < self._probe_at_s else 1
            case _:
                return max(0, math.floor(self._tokens))

    def begin(self) -> Permit | None:
        """Take room for one call; None when there is none."""
        if self.room() < 1:
            return None
        self._probing = self._state == "open"
        self._tokens -= 1
        return self._turn

    def end(self, permit: Permit, *, outage: bool | None, code: str | None = None) -> None:
        """A call ended: with an `outage` of its provider or without, or (None) before it had begun."""
        if permit != self._turn:
            return
        if self._state == "open":
            self._probing = False
            self._probed(outage, code)
        elif outage is not None:
            good = self._state == "draining"
            self._in_a_row = self._in_a_row + 1 if outage != good else int(outage)
            if outage and (good or self._in_a_row >= THRESHOLD):
                self._open(code)

    def wait_s(self) -> float | None:
        """After how long there may be more room than now; None when that is not a matter of time."""
        match self.state:
            case "closed":
                return None
            case "open":
                return None if self._probing else max(_LOOK_AGAIN_S, self._probe_at_s - self._clock())
            case _:
                return max(_LOOK_AGAIN_S, (1 - self._tokens) / self._per_second)

    def presume_down(self, code: str) -> None:
        """Begin open, as somebody else left it: the first call tries."""
        self._open(code)
        self._probe_at_s = self._clock()

    def _probed(self, outage: bool | None, code: str | None) -> None:
        if outage:
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)
            self._probe_at_s, self.code = self._clock() + self._pause_s, code or self.code
        elif outage is not None:
            self._become("draining", in_a_row=1)
            self._tokens, self._counted_at_s = 0.0, self._clock()

    def _open(self, code: str | None) -> None:
        self._become("open")
        self._pause_s = FIRST_PAUSE_S
        self._probe_at_s, self.code, self._probing = self._clock() + self._pause_s, code, False

    def _become(self, state: State, *, in_a_row: int = 0) -> None:
        self._state, self._in_a_row = state, in_a_row
        self._turn += 1

    def _drained(self) -> bool:
        """Count the room that time gave; it is drained once nobody takes it."""
        now_s, most = self._clock(), max(1.0, self._per_second)
        self._tokens += (now_s - self._counted_at_s) * self._per_second
        self._counted_at_s = now_s
        return self._tokens >= most

    def _close(self) -> None:
        self._become("closed")
        self.code = None
