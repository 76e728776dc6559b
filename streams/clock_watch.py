"""Whether this worker's clock agrees with the brokers': timers and the journal's times are no better than it."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from domain.clock import Clock
from domain.errors import HeadraceError
from schemas.event_log import EventLog, NewRecord
from schemas.topics import CLOCK

TOLERANCE_MS: Final = 5_000
EVERY_S: Final = 5.0
_log = structlog.get_logger(__name__)


class ClockWatch:
    """Asks a broker for the time, again and again, and says whether the clock may be trusted."""

    def __init__(self, log: EventLog, clock: Clock, tell: Callable[[bool], None], *, every_s: float = EVERY_S) -> None:
        """Make one.

        Args:
            log: has the topic `headrace.clock`, whose records get the broker's time.
            clock: the worker's.
            tell: is told after each look whether the clock is right.
            every_s: real seconds between two looks.
        """
        self._log, self._clock, self._tell, self._every_s = log, clock, tell, every_s
        self._trusted = True

    async def look(self) -> int:
        """How many milliseconds the clock is ahead of the broker's (behind: negative); 0 within the time of asking."""
        before = self._clock()
        (offset,) = await self._log.append([NewRecord(topic=CLOCK, partition=0, key=None, value=b"")])
        after = self._clock()
        chunk = await self._log.read(CLOCK, 0, offset, limit=1)
        (record,) = chunk.records
        ahead_ms = max(before - record.timestamp_ms, 0) + min(after - record.timestamp_ms, 0)
        self._judge(ahead_ms)
        return ahead_ms

    async def run(self) -> None:
        """Look until cancelled; while no broker answers, the last answer holds."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except HeadraceError as error:
                _log.warning("clock.not_checked", error=str(error))

    def _judge(self, ahead_ms: int) -> None:
        trusted = abs(ahead_ms) <= TOLERANCE_MS
        if trusted != self._trusted:
            say = _log.info if trusted else _log.error
            say("clock.right" if trusted else "clock.wrong", ahead_ms=ahead_ms, deciding=trusted)
        self._trusted = trusted
        self._tell(trusted)
