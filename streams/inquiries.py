"""Inquiries: questions to providers about attempts whose outcome is unknown, a few at a time beside the attempts.

What a provider answers is reported as an outcome. Whatever goes wrong with a question says nothing about its attempt.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import structlog

from domain.action import CANNOT_ASK, ActionContext, ActionRegistry, ActionResult, Question, calling
from domain.clock import Clock
from domain.command import ReportOutcome
from domain.contact import Contact
from streams.attempt import Attempt, Inquiry
from streams.outcome import report_of

AT_ONCE: Final = 8
"""In each channel."""
_CALL_SHARE: Final = 0.9
"""The part of the time until the deadline that the question gets; the rest is for the report to be journaled."""
_NOT_ASKED: Final = ActionResult.unknown("channel_paused", "The channel's provider is down; it was not asked")
_log = structlog.get_logger(__name__)


class Inquiries:
    """Puts questions in the event loop; `len()` is how many have no answer yet."""

    def __init__(
        self,
        actions: ActionRegistry,
        clock: Clock,
        *,
        report: Callable[[ReportOutcome], None],
        outages: Callable[[], Mapping[str, str]],
        time_scale: float,
    ) -> None:
        self._actions, self._clock, self._report = actions, clock, report
        self._outages, self._time_scale = outages, time_scale
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, inquiry: Inquiry) -> None:
        """Ask as soon as may be; never blocks."""
        task = asyncio.get_running_loop().create_task(self._ask(inquiry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Ask nothing more: what has no answer is asked again after the start, when its deadline has passed."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _ask(self, inquiry: Inquiry) -> None:
        attempt = inquiry.attempt
        async with self._gates.setdefault(attempt.channel, asyncio.Semaphore(AT_ONCE)):
            result = _NOT_ASKED if attempt.channel in self._outages() else await self._answer(inquiry)
        _log.debug("attempt.asked", action_key=attempt.action_key, number=inquiry.number, outcome=result.outcome)
        self._report(report_of(attempt, result, time_scale=self._time_scale, question=inquiry.number))

    async def _answer(self, inquiry: Inquiry) -> ActionResult:
        attempt, action = inquiry.attempt, self._actions.get(inquiry.attempt.step_type)
        if action is None:
            return ActionResult.unknown(CANNOT_ASK, f"No action serves the step type {attempt.step_type!r}")
        left_s = max(0.0, (attempt.deadline_ms - self._clock()) / 1000 / self._time_scale) * _CALL_SHARE
        contact = msgspec.convert({"id": attempt.contact_id, **attempt.contact}, Contact)
        question = Question(
            attempt=attempt.attempt,
            since_ms=self._real_ms(inquiry.started_at_ms),
            until_ms=self._real_ms(inquiry.ended_at_ms),
            not_ids=inquiry.not_ids,
        )
        try:
            async with asyncio.timeout(left_s):
                with calling(context_of(attempt, timeout_s=left_s, start_within_s=left_s)):
                    return await action.reconcile(contact, dict(attempt.request), question)
        except Exception as error:  # noqa: BLE001 - whatever it is, the question is put again
            _log.info("attempt.question_failed", action_key=attempt.action_key, error=type(error).__name__)
            return ActionResult.unknown("no_answer", f"The provider could not be asked: {type(error).__name__}")

    def _real_ms(self, at_ms: int) -> int:
        """An engine time of a moment ago by the machine's clock."""
        return int(time.time() * 1000 - (self._clock() - at_ms) / self._time_scale)


def context_of(attempt: Attempt, *, timeout_s: float, start_within_s: float) -> ActionContext:
    """What an action may know about the attempt that it is called, or asked, about."""
    return ActionContext(
        idempotency_key=attempt.action_key,
        attempt=attempt.attempt,
        enrollment_id=attempt.enrollment_id,
        step_id=attempt.step_id,
        step_type=attempt.step_type,
        timeout_s=timeout_s,
        start_within_s=start_within_s,
        has_secrets=bool(attempt.secrets),
    )
