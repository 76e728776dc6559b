"""The rehearsal: a workflow test is played through `decide` in virtual time; nothing is sent or written."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue, Entry, Version
from domain.consent import Suppression, normal_address
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, StartAttempt, TimerDue, decide
from domain.enrollment import Enrollment
from domain.evolve import initial
from domain.ids import action_key
from domain.path import Path, path_of
from domain.state import ContactState, WorkflowHistory
from domain.times import format_time
from domain.workflow import Workflow
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Fact, Happening, WorkflowTest

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


class _Rehearsal:
    def __init__(self, test: WorkflowTest, workflow: Workflow) -> None:
        self._test, self._workflow = test, _without_backoff(workflow)
        self._catalogue = _catalogue(self._workflow, "active")
        self._state = _state(test)
        self._now_ms = test.starts_at_ms
        self._events: list[j.JournalEvent] = []
        self._queue: list[tuple[int, int, int, Callable[[], Input | None]]] = []
        self._order = itertools.count()
        self._enrollment_id: str | None = None
        self._outcomes: dict[tuple[str, int, int], list[AttemptOutcome]] = defaultdict(list)
        for one in test.outcomes:
            self._outcomes[one.step, one.visit, one.attempt].append(one)
        self._late = {(one.step, one.visit): one.late_ms for one in test.late}
        self._later: set[tuple[str, int, int]] = set()
        """Attempts that begin later than they could."""
        self._armed: int | None = None
        """When the timer that was queued last is due."""

    def run(self) -> Path:
        start = self._test.starts_at_ms
        until = start + self._test.lasts_ms
        for one in self._test.happens:
            self._put(start + one.at_ms, _HAPPENS, lambda one=one: self._input(one))  # type: ignore[misc]
        for _ in range(MAX_INPUTS):
            if not self._queue or self._queue[0][0] > until:
                break
            at_ms, _kind, _number, given = heapq.heappop(self._queue)
            self._now_ms = max(self._now_ms, at_ms)
            self._take(given())
        return path_of(self._events, self._enrollment_id or "")

    def _take(self, given: Input | None) -> None:
        if given is None:
            return
        decision = decide(self._state, given, Context(now_ms=self._now_ms, catalogue=self._catalogue))
        self._state = decision.state
        self._events += decision.events
        if self._enrollment_id is None:
            self._enrollment_id = next((e.enrollment_id for e in decision.events if isinstance(e, j.Enrolled)), None)
            if self._enrollment_id is not None:  # the test is about this one: no other is begun
                self._catalogue = _catalogue(self._workflow, "archived")
        enrollment = self._enrollment
        if enrollment is not None:
            self._follow(enrollment)

    @property
    def _enrollment(self) -> Enrollment | None:
        return self._state.enrollments.get(self._enrollment_id or "")

    def _follow(self, enrollment: Enrollment) -> None:
        """Begin the attempt that waits, and queue the timer."""
        action, timer, contact_id = enrollment.action, enrollment.timer, self._state.contact.id
        if action is not None and action.status == "requested" and enrollment.status == "active":
            self._attempt(enrollment.id, contact_id, (action.step_id, action.visit, action.attempt + 1))
            return
        if timer is None or timer.kind == "deadline":
            self._armed = None
        elif timer.due_at_ms != self._armed:
            self._armed = timer.due_at_ms
            due = TimerDue(contact_id=contact_id, enrollment_id=enrollment.id)
            # One that was armed before a pause fires no more: it is due later now.
            still = lambda armed=self._armed: due if armed == self._armed else None  # noqa: E731 as short as the others
            self._put(timer.due_at_ms + self._later_ms(enrollment), _TIMER, still)

    def _attempt(self, enrollment_id: str, contact_id: str, which: tuple[str, int, int]) -> None:
        """Begin an attempt; its outcomes come in their time. One that becomes known after all comes after `unknown`."""
        given = self._outcomes.get(which) or [AttemptOutcome(step=which[0])]
        if given[0].outcome == "open":
            return
        late_ms = self._late.get(which[:2], 0) if which not in self._outcomes else 0  # one with an outcome did begin
        if late_ms == 0:
            self._take(self._begin(enrollment_id, contact_id, which, given))
        elif which not in self._later:
            self._later.add(which)
            begin = lambda: self._begin(enrollment_id, contact_id, which, given)  # noqa: E731 as short as the others
            self._put(self._now_ms + late_ms, _TIMER, begin)

    def _begin(
        self, enrollment_id: str, contact_id: str, which: tuple[str, int, int], given: list[AttemptOutcome]
    ) -> StartAttempt:
        """There is a slot for an attempt: its outcomes are on their way, if it is not too late for it."""
        self._later.discard(which)
        for outcome in given:
            at_ms = self._now_ms + outcome.after_ms
            self._put(at_ms, _OUTCOME, lambda one=outcome: _report(self._state, enrollment_id, which, one))  # type: ignore[misc]
        far_ms = self._now_ms + _FAR_MS
        return StartAttempt(contact_id=contact_id, enrollment_id=enrollment_id, start_by_ms=far_ms, deadline_ms=far_ms)

    def _later_ms(self, enrollment: Enrollment) -> int:
        """How much later than its due time the open timer fires."""
        action = enrollment.action
        if action is None:
            step = enrollment.step_id or ""
            return self._late.get((step, enrollment.visits.get(step, 1)), 0)
        unknown = [
            one
            for one in self._outcomes.get((action.step_id, action.visit, action.attempt), ())
            if one.outcome == "unknown"
        ]
        return (unknown[0].retry_after_ms or 0) if unknown else 0

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

    def _put(self, at_ms: int, kind: int, given: Callable[[], Input | None]) -> None:
        heapq.heappush(self._queue, (at_ms, kind, next(self._order), given))


def _report(
    state: ContactState, enrollment_id: str, which: tuple[str, int, int], given: AttemptOutcome
) -> c.ReportOutcome | None:
    enrollment = state.enrollments.get(enrollment_id)
    action = enrollment.action if enrollment else None
    if action is None or (action.step_id, action.visit) != which[:2]:
        return None
    return c.ReportOutcome(
        command_id=f"{action.key}/{which[2]}/{given.outcome}",
        contact_id=state.contact.id,
        enrollment_id=enrollment_id,
        action_key=action.key,
        attempt=which[2],
        outcome=given.outcome,
        code=given.code,
        message=given.message,
        retryable=given.retry_after_ms is not None,
        retry_after_ms=given.retry_after_ms,
        provider_id=given.provider_id,
        output=given.output,
        state=given.state,
    )


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
            Suppression(one.channel, normal_address(one.channel, one.address), one.reason, test.starts_at_ms)
            for one in test.opted_out
        ),
    )
