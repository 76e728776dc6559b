"""The dispatcher: makes the calls to providers, bounded per channel, and reports what became of each.

An attempt's intent is in the journal before it gets here. Every attempt that is submitted ends in exactly one report
(or, when the process stops before its call is over, in none: the engine then takes it as unknown at its deadline).
"""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from domain.action import ActionContext, ActionRegistry, ActionResult, WorkflowAction, calling
from domain.clock import Clock
from domain.command import ReportOutcome
from domain.contact import Contact
from streams.attempt import Attempt, Inquiry
from streams.breaker import DRAIN_PER_SECOND, Permit
from streams.breakers import Breakers
from streams.inquiries import Inquiries, context_of
from streams.outcome import report_of
from streams.pace import Pace
from streams.providers.failure import failure_of
from streams.secrets import NO_SECRETS, Secrets, UnknownSecret

DEFAULT_SLOTS: Final = 64
NOT_STARTED: Final = "not_started"
CHANNEL_PAUSED: Final = ActionResult.failed(
    "channel_paused", "The channel's provider is down; nothing was sent", retryable=True
)
_CALL_SHARE: Final = 0.9
"""The part of the time until the deadline that the sockets get; the rest is for the report to be journaled."""

_log = structlog.get_logger(__name__)


class Dispatcher:
    """Runs attempts in the event loop, at most so many at once in each channel."""

    def __init__(
        self,
        actions: ActionRegistry,
        clock: Clock,
        *,
        report: Callable[[ReportOutcome], None],
        slots: Mapping[str, int] | None = None,
        time_scale: float = 1.0,
        secrets: Secrets = NO_SECRETS,
        ended: Callable[[str, str, float], None] | None = None,
        more_room: Callable[[], None] = lambda: None,
        drain_per_second: float = DRAIN_PER_SECOND,
        pace: Pace | None = None,
    ) -> None:
        """Make one; it starts nothing by itself.

        Args:
            actions: who serves which step type.
            clock: the engine's time.
            report: takes each outcome; called in the event loop, and must not block.
            slots: how many calls may run at once, by channel; 64 for a channel that is not named.
            time_scale: engine milliseconds per real millisecond; sockets' time-outs are real.
            secrets: what references in requests stand for.
            more_room: is told when a channel that was held back may have room for calls, without one having ended.
            drain_per_second: calls a second of a channel whose provider was down, until it has caught up.
            ended: is told of each attempt's channel and outcome, and of the real seconds that it took.
            pace: how many messages may begin; None: as many as there are slots.
        """
        self.pace: Final = pace or Pace({}, clock)
        self._actions = actions
        self._clock = clock
        self._report = report
        self._limits = dict(slots or {})
        self._time_scale = time_scale
        self._secrets = secrets
        self._ended = ended
        self._breakers = Breakers(more_room, drain_per_second)
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._inquiries = Inquiries(
            actions, clock, report=report, outages=self._breakers.outages, time_scale=time_scale
        )
        self._busy: Counter[str] = Counter()
        self._tasks: dict[asyncio.Task[None], Attempt] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._draining = False

    @property
    def in_flight(self) -> int:
        """How many attempts were submitted and are not reported yet."""
        return len(self._tasks)

    @property
    def questions(self) -> int:
        """How many questions were put, or wait to be, and are not answered yet."""
        return len(self._inquiries)

    @property
    def busy(self) -> Mapping[str, int]:
        """How many attempts have no outcome yet, by channel; a channel that was ever busy stays in it."""
        return self._busy

    def free_slots(self, channel: str) -> int:
        """How many more attempts of the channel can start at once."""
        if self._draining:
            return 0
        slots, paced = max(0, self._limit(channel) - self._busy[channel]), self.pace.free(channel)
        room = min(slots, self._breakers.room(channel))
        return int(room if paced is None else min(room, paced))

    @property
    def outages(self) -> Mapping[str, str]:
        """Channels whose provider is down, and what the last call came to."""
        return self._breakers.outages()

    def presume_down(self, channel: str) -> None:
        """The journal says that the channel's provider was down when somebody looked last."""
        self._breakers.presume_down(channel)

    @property
    def breakers(self) -> Mapping[str, bool]:
        """Of each channel that has one, whether its provider counts as down."""
        return self._breakers.states()

    def submit(self, attempt: Attempt) -> None:
        """Start an attempt whose intent is journaled; never blocks.

        Ask `free_slots` before journaling. An attempt beyond them waits for a slot, until its `start_by_ms`.
        """
        self._busy[attempt.channel] += 1
        permit = self._breakers.begin(attempt.channel)
        task = asyncio.get_running_loop().create_task(self._run(attempt, permit))
        self._tasks[task] = attempt
        task.add_done_callback(self._free)

    def ask(self, inquiry: Inquiry) -> None:
        """Ask a provider what became of an attempt; never blocks. Questions take no slot of their channel's attempts."""
        self._inquiries.put(inquiry)

    async def drain(self, timeout_s: float) -> int:
        """Start nothing more, let the calls in flight finish and report; for a clean stop.

        Returns how many calls were given up after `timeout_s` (real seconds). They report nothing: only a provider's
        callback, or their deadline, tells what became of them.
        """
        self._draining = True
        self._inquiries.stop()
        await asyncio.sleep(0)  # what was submitted a moment ago sees it
        for task in tuple(self._waiting):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=timeout_s)
        left = dict(self._tasks)
        for task, attempt in left.items():
            _log.warning("attempt.given_up", action_key=attempt.action_key, attempt=attempt.attempt)
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)

    def _free(self, task: asyncio.Task[None]) -> None:
        attempt = self._tasks.pop(task, None)
        if attempt is not None:
            self._busy[attempt.channel] -= 1

    def _limit(self, channel: str) -> int:
        return self._limits.get(channel, DEFAULT_SLOTS)

    async def _run(self, attempt: Attempt, permit: Permit | None) -> None:
        task = _this_task()
        began = time.monotonic()
        result = CHANNEL_PAUSED if permit is None else await self._when_free(attempt, task)
        given_back = self._given_back(attempt, result, permit)
        if self._ended is not None:
            self._ended(attempt.channel, result.outcome, time.monotonic() - began)
        self._free(task)  # before the report: whoever takes it may look for a slot
        log = _log.bind(action_key=attempt.action_key, attempt=attempt.attempt, channel=attempt.channel)
        log.debug("attempt.ended", outcome=result.outcome, code=result.code)
        try:
            self._report(report_of(attempt, result, time_scale=self._time_scale, given_back=given_back))
        except Exception as error:  # noqa: BLE001 - whatever it is, the deadline settles the attempt
            log.error("attempt.report_lost", error=type(error).__name__, at=_place(error))  # noqa: TRY400 - no words

    def _given_back(self, attempt: Attempt, result: ActionResult, permit: Permit | None) -> bool:
        """Tell the breaker how the call ended; whether its attempt is given back: the provider is down, or it never began."""
        began = result.code not in (NOT_STARTED, CHANNEL_PAUSED.code)
        if permit is not None:
            self._breakers.end(attempt.channel, permit, outage=result.outage if began else None, code=result.code)
        return not began or (result.outage and attempt.channel in self._breakers.outages())

    async def _when_free(self, attempt: Attempt, task: asyncio.Task[None]) -> ActionResult:
        """The attempt's result, once its channel has a slot; none starts after `start_by_ms`."""
        gate = self._gates.setdefault(attempt.channel, asyncio.Semaphore(self._limit(attempt.channel)))
        self._waiting.add(task)
        try:
            async with asyncio.timeout(self._real_seconds_until(attempt.start_by_ms)):
                await gate.acquire()
        except (TimeoutError, asyncio.CancelledError):  # cancelled by `drain`: the report is still made
            return _not_started()
        finally:
            self._waiting.discard(task)
        try:
            return await self._call(attempt, task)
        finally:
            gate.release()

    async def _call(self, attempt: Attempt, task: asyncio.Task[None]) -> ActionResult:
        start_within_s = self._real_seconds_until(attempt.start_by_ms)
        left_s = self._real_seconds_until(attempt.deadline_ms)
        if start_within_s <= 0 or left_s <= 0 or self._draining:
            return _not_started()
        action = self._actions.get(attempt.step_type)
        if action is None:
            return _no_such_action(attempt.step_type, self._actions.types())
        context = context_of(attempt, timeout_s=left_s * _CALL_SHARE, start_within_s=start_within_s)
        try:
            request = self._secrets.filled(attempt.request, attempt.secrets) if attempt.secrets else attempt.request
        except UnknownSecret as unknown:
            return ActionResult.failed("unknown_secret", str(unknown))
        result = await self._guarded(action, replace(attempt, request=request), context, left_s, task)
        return self._secrets.hidden(result, attempt.secrets) if attempt.secrets else result

    async def _guarded(
        self,
        action: WorkflowAction,
        attempt: Attempt,
        context: ActionContext,
        left_s: float,
        task: asyncio.Task[None],
    ) -> ActionResult:
        """The action's result, whatever it does."""
        try:
            # An action keeps to its time-out itself; this one is for those that do not.
            async with asyncio.timeout(left_s * (1 + _CALL_SHARE) / 2):
                return await _execute(action, attempt, context)
        except asyncio.CancelledError:
            if task.cancelling():
                raise
            return ActionResult.unknown("action_cancelled", "The action cancelled itself; its effect is not known")
        except Exception as error:  # noqa: BLE001 - an exception of a plug-in is an outcome, never a lost slot
            return failure_of(error) or _action_error(attempt, error)

    def _real_seconds_until(self, at_ms: int) -> float:
        return max(0.0, (at_ms - self._clock()) / 1000 / self._time_scale)


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _execute(action: WorkflowAction, attempt: Attempt, context: ActionContext) -> ActionResult:
    contact = msgspec.convert({"id": attempt.contact_id, **attempt.contact}, Contact)
    with calling(context):
        return ActionResult.of(await action.execute(contact, dict(attempt.request), dict(attempt.state)))


def _not_started() -> ActionResult:
    return ActionResult.failed(NOT_STARTED, "The call could not begin in time; nothing was sent", retryable=True)


def _no_such_action(step_type: str, known: tuple[str, ...]) -> ActionResult:
    return ActionResult.failed(
        "no_such_action",
        f"No action serves the step type {step_type!r}, only {', '.join(known) or 'none'}; install its plug-in and retry",
    )


def _action_error(attempt: Attempt, error: Exception) -> ActionResult:
    # The exception's words may quote the contact: they go to the journal's personal part, not to the log.
    _log.warning("action.raised", action_key=attempt.action_key, error=type(error).__name__, at=_place(error))
    return ActionResult.failed("action_error", f"The action raised {type(error).__name__}: {error}")


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
