"""The rehearsal: a workflow test is played through `decide` in virtual time; nothing is sent or written."""

import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.awaited import HOLD, Awaited, awaited_by
from domain.catalogue import Catalogue, Entry, Version
from domain.consent import Suppression, normal_address
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, StartAttempt, TimerDue, decide
from domain.enrollment import Enrollment
from domain.evolve import initial
from domain.ids import action_key
from domain.lateness import HOLDER
from domain.path import Path, path_of
from domain.state import ContactState, WorkflowHistory
from domain.times import format_time
from domain.workflow import Workflow
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Fact, Happening, Lateness, WorkflowTest

MAX_INPUTS: Final = 10_000
"""Inputs after which a rehearsal stops: the workflow goes round in a circle of waits."""
_FAR_MS: Final = 10 * 365 * 86_400_000
_OUTCOME, _HAPPENS, _TIMER = 0, 1, 2
"""At one time outcomes are taken first, timers last, as a partition's owner does."""


def rehearse(test: WorkflowTest, workflow: Workflow) -> Path:
    """The path that the workflow leads the test's contact on.

    Args:
        test: what happens; what it expects is not looked at.
        workflow: a compiled version, compiled with the test's workflow id.
    """
    return _Rehearsal(test, workflow).run()


class _Armed(NamedTuple):
    """What is queued to come about for the enrollment by itself, and when it is due."""

    what: Awaited
    kind: str
    """`delay`, `hold`, `retry` or `attempt`."""
    due_at_ms: int


class _Rehearsal:
    def __init__(self, test: WorkflowTest, workflow: Workflow) -> None:
        self._test, self._workflow = test, _without_backoff(workflow)
        self._catalogue = _catalogue(self._workflow, "active")
        self._state = _state(test)
        self._now_ms = test.starts_at_ms
        self._events: list[j.JournalEvent] = []
        self._queue: list[tuple[int, int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._enrollment_id: str | None = None
        self._outcomes: dict[Awaited, list[AttemptOutcome]] = defaultdict(list)
        for one in test.outcomes:
            self._outcomes[Awaited(one.step, one.visit, one.attempt)].append(one)
        self._late: dict[Awaited, deque[Lateness]] = defaultdict(deque)
        for late in test.late:
            self._late[Awaited(late.step, late.visit, late.attempt)].append(late)
        self._armed: _Armed | None = None

    def run(self) -> Path:
        start = self._test.starts_at_ms
        until = start + self._test.lasts_ms
        for one in self._test.happens:
            self._put(start + one.at_ms, _HAPPENS, lambda one=one: self._take(self._input(one)))  # type: ignore[misc]
        for _ in range(MAX_INPUTS):
            if not self._queue or self._queue[0][0] > until:
                break
            at_ms, _kind, _number, do = heapq.heappop(self._queue)
            self._now_ms = max(self._now_ms, at_ms)
            do()
        return path_of(self._events, self._enrollment_id or "")

    def _take(self, given: Input | None, *, held: bool = False) -> None:
        """Take an input in. `held`: the engine was told to hold what is as late as this."""
        if given is None:
            return
        before = self._enrollment
        context = Context(
            now_ms=self._now_ms,
            catalogue=self._catalogue,
            hold_late_ms=0 if held else None,
            phone_region=self._test.phone_region,
        )
        decision = decide(self._state, given, context)
        self._state = decision.state
        self._events += decision.events
        if self._enrollment_id is None:
            self._enrollment_id = next((e.enrollment_id for e in decision.events if isinstance(e, j.Enrolled)), None)
            if self._enrollment_id is not None:  # the test is about this one: no other is begun
                self._catalogue = _catalogue(self._workflow, "archived")
        for event in decision.events:
            self._hear(event, before)
        if self._enrollment is not None:
            self._follow(self._enrollment)

    @property
    def _enrollment(self) -> Enrollment | None:
        return self._state.enrollments.get(self._enrollment_id or "")

    def _hear(self, event: j.JournalEvent, before: Enrollment | None) -> None:
        match event:
            case j.AttemptStarted():
                self._answer(Awaited(event.step_id, event.visit, event.attempt))
            case j.EnrollmentHeld():
                self._late_once(before)
            case j.EnrollmentRepaired() if before is not None and before.paused_by != HOLDER:
                self._late_once(before)

    def _late_once(self, before: Enrollment | None) -> None:
        """Its lateness was settled: the next one is of what is due anew."""
        awaited = awaited_by(before) if before is not None else None
        if awaited is not None and self._late[awaited]:
            self._late[awaited].popleft()

    def _answer(self, attempt: Awaited) -> None:
        """An attempt began: its outcomes come in their time. One that becomes known after all comes after `unknown`."""
        for one in self._outcomes.get(attempt) or [AttemptOutcome(step=attempt.step)]:
            if one.outcome != "open":
                self._put(self._now_ms + one.after_ms, _OUTCOME, lambda one=one: self._take(self._report(attempt, one)))  # type: ignore[misc]

    def _follow(self, enrollment: Enrollment) -> None:
        """Queue what comes next by itself: the end of its wait or of its back-off, or the beginning of its attempt."""
        awaited, timer, action = awaited_by(enrollment), enrollment.timer, enrollment.action
        if awaited is None or enrollment.status != "active":
            self._armed = None
            return
        if timer is not None:
            armed = _Armed(awaited, timer.kind, timer.due_at_ms)
        else:
            armed = _Armed(awaited, "attempt", action.ready_at_ms if action else 0)
        if armed == self._armed:
            return
        self._armed = armed
        on_time = armed.kind == "retry" or (armed.kind == "hold" and action is not None)
        late = self._late[awaited][0] if self._late[awaited] and not on_time else None
        if late is None and armed.kind == "attempt":
            self._fire(armed)
        elif late is None:
            self._put(armed.due_at_ms, _TIMER, lambda: self._fire(armed))
        else:
            held = late.held
            self._put(armed.due_at_ms + late.late_ms, _TIMER, lambda: self._fire(armed, held=held))

    def _fire(self, armed: _Armed, *, held: bool = False) -> None:
        """Let it come about, unless the enrollment waits for something else by now."""
        if armed != self._armed:
            return
        self._armed = None
        if armed.what.attempt == HOLD and self._late[armed.what]:
            self._late[armed.what].popleft()  # another hold may follow
        about = {"contact_id": self._state.contact.id, "enrollment_id": self._enrollment_id or ""}
        far_ms = self._now_ms + _FAR_MS
        if armed.kind == "attempt":
            self._take(StartAttempt(**about, start_by_ms=far_ms, deadline_ms=far_ms), held=held)
        else:
            self._take(TimerDue(**about), held=held)

    def _input(self, one: Happening) -> Input | None:  # noqa: PLR0911 one return a kind of input
        contact_id, command_id = self._state.contact.id, f"test/{one.at_ms}/{next(self._order)}"
        if isinstance(one, Fact):
            return ContactEvent(
                contact_id=contact_id,
                source=one.source,
                id=command_id,
                type=one.type,
                data=one.data,
                time=one.time or format_time(self._now_ms),
                hops=one.hops,
            )
        if isinstance(one, Consent):
            return c.ChangeConsent(
                command_id=command_id,
                contact_id=contact_id,
                channel=one.channel,
                address=one.address,
                allowed=one.allowed,
                reason=one.reason,
            )
        if isinstance(one, Delivery):
            return self._delivery(one, command_id)
        if one.what == "enroll":
            return c.EnrollContact(command_id=command_id, contact_id=contact_id, workflow_id=self._workflow.id)
        if self._enrollment_id is None:
            return None
        about: dict[str, Any] = {
            "command_id": command_id,
            "contact_id": contact_id,
            "enrollment_id": self._enrollment_id,
        }
        match one.what:
            case "pause":
                return c.PauseEnrollment(**about)
            case "resume":
                return c.ResumeEnrollment(**about)
            case "cancel":
                return c.CancelEnrollment(**about, reason=one.how or "operator")
            case "repair":
                return c.RepairEnrollment(**about, step_id=one.step, visit=one.visit, how=one.how)
            case _:
                return c.RetryEnrollment(**about, how=one.how or "again")

    def _delivery(self, one: Delivery, command_id: str) -> Input | None:
        """It says nothing of consent: that is told on its own."""
        if self._enrollment_id is None:
            return None
        return c.ReportDelivery(
            command_id=command_id,
            contact_id=self._state.contact.id,
            enrollment_id=self._enrollment_id,
            step_id=one.step,
            visit=one.visit,
            action_key=action_key(self._enrollment_id, one.step, one.visit),
            channel=one.channel,
            status=one.status,
            code=one.code,
        )

    def _report(self, attempt: Awaited, given: AttemptOutcome) -> c.ReportOutcome | None:
        enrollment = self._enrollment
        action = enrollment.action if enrollment else None
        if enrollment is None or action is None or (action.step_id, action.visit) != attempt[:2]:
            return None
        return c.ReportOutcome(
            command_id=f"{action.key}/{attempt.attempt}/{given.outcome}",
            contact_id=self._state.contact.id,
            enrollment_id=enrollment.id,
            action_key=action.key,
            attempt=attempt.attempt,
            outcome=given.outcome,
            code=given.code,
            message=given.message,
            retryable=given.retry_after_ms is not None,
            retry_after_ms=given.retry_after_ms,
            provider_id=given.provider_id,
            output=given.output,
            state=given.state,
        )

    def _put(self, at_ms: int, kind: int, do: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_ms, kind, next(self._order), do))


def _without_backoff(workflow: Workflow) -> Workflow:
    """The test says when an attempt is repeated: a pause is spread by a hash of ids, which differ here."""
    steps = {
        step.id: replace(step, retry=replace(step.retry, backoff_ms=0, max_backoff_ms=0))
        for step in workflow.steps.values()
    }
    return replace(workflow, steps=steps)


def _catalogue(workflow: Workflow, status: str) -> Catalogue:
    version = Version(number=workflow.version, document={}, digest="", diagnostics=(), compiled=workflow)
    entry = Entry(
        id=workflow.id,
        name=workflow.name,
        status=status,
        versions={workflow.version: version},
        published=workflow.version,
    )
    return Catalogue(entries={workflow.id: entry})


def _state(test: WorkflowTest) -> ContactState:
    history = {test.workflow_id: WorkflowHistory(count=test.enrolled_before)} if test.enrolled_before else {}
    return replace(
        initial(test.contact.id),
        contact=test.contact,
        last_sms_reply=test.last_sms_reply,
        history=history,
        suppressions=tuple(
            Suppression(one.channel, address, one.reason, test.starts_at_ms)
            for one in test.opted_out
            for address in (normal_address(one.channel, one.address, test.phone_region),)
        ),
    )
