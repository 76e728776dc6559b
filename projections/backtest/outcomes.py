"""What became of the tested workflow's real actions, known beforehand: a candidate may act sooner than was really done."""

from collections.abc import Callable
from typing import Final

import msgspec

from domain import journal as j
from domain.backtest.happened import report_of
from domain.backtest.rules import Outcomes
from projections.backtest.plan import Plan
from schemas.event_log import LogReader
from schemas.journal import decode_event
from schemas.topics import JOURNAL

_READ_LIMIT: Final = 5_000
_ENROLLED: Final = b'{"type":"enrolled"'
_SUCCEEDED: Final = b'{"type":"attempt_succeeded"'
_ATTEMPT: Final = b'{"type":"attempt_'
_OUTCOMES: Final = (_SUCCEEDED, b'{"type":"attempt_failed"', b'{"type":"attempt_unknown"')
_REQUESTED: Final = b'{"type":"action_requested"'


class _Requested(msgspec.Struct):
    """What is needed of an event about an action that was requested, or has an outcome."""

    at_ms: int
    enrollment_id: str
    action_key: str
    channel: str = ""


async def read_outcomes(log: LogReader, partition: int, plan: Plan, progress: Callable[[int], None]) -> Outcomes:
    """The last outcome of each action in the window; those that are assumed anyway are left out."""
    end = await log.end_offset(JOURNAL, partition)
    first = position = await first_offset_at(log, partition, plan.window.since_ms, end)
    seen = _Seen(plan)
    while position < end and not seen.is_over:
        chunk = await log.read(JOURNAL, partition, position, limit=_READ_LIMIT)
        for record in chunk:
            seen.take(record.value or b"")
        position = max(chunk.next, position + 1)
        progress(min(position, end) - first)
    progress(end - first)
    return seen.outcomes


class _Seen:
    """What was seen of the window so far; only open actions and outcomes are kept."""

    def __init__(self, plan: Plan) -> None:
        self._window, self._keep_successes = plan.window, plan.assumed != "succeed"
        self._workflow_id = plan.window.workflow_id.encode()
        self._enrollments: set[str] = set()
        self._channels: dict[str, str] = {}
        self.outcomes: Outcomes = {}
        self.is_over = False

    def take(self, value: bytes) -> None:
        """Take an event in."""
        if value.startswith(_ATTEMPT):
            if value.startswith(_OUTCOMES):
                self._outcome(value)
        elif value.startswith(_REQUESTED):
            if self._enrollments:
                requested = _decode_requested(value)
                if requested.enrollment_id in self._enrollments:
                    self._channels[requested.action_key] = requested.channel
        elif value.startswith(_ENROLLED) and self._workflow_id in value:
            enrolled = decode_event(value)
            assert isinstance(enrolled, j.Enrolled)
            self._enrollments.add(enrolled.enrollment_id)
            self.is_over = enrolled.at_ms >= self._window.until_ms

    def _outcome(self, value: bytes) -> None:
        if not self._channels:
            return
        asked = _decode_requested(value)
        channel = self._channels.get(asked.action_key)
        if channel is None:
            return
        if asked.at_ms >= self._window.until_ms:
            self.is_over = True
            return
        succeeded = value.startswith(_SUCCEEDED)
        if succeeded and not self._keep_successes:
            self.outcomes.pop((asked.action_key, channel), None)
        else:
            event = decode_event(value)
            assert isinstance(event, j.AttemptSucceeded | j.AttemptFailed | j.AttemptUnknown)
            self.outcomes[asked.action_key, channel] = report_of(event)
        if succeeded:
            del self._channels[asked.action_key]


_decode_requested: Final = msgspec.json.Decoder(_Requested).decode


async def first_offset_at(log: LogReader, partition: int, at_ms: int, end: int) -> int:
    """An offset before which all events are older than a time; few at or behind it are."""
    low, high = 0, end
    while high - low > _READ_LIMIT:
        middle = (low + high) // 2
        chunk = await log.read(JOURNAL, partition, middle, limit=10)
        if chunk and decode_event(chunk[0].value or b"").at_ms < at_ms:
            low = chunk[0].offset
        else:
            high = middle
    return low
