"""Step kind `wait_for_event`: wait until something happens to the contact, or to a message of the enrollment."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

import msgspec

from domain import journal as j
from domain import words
from domain.delivery import counts_as
from domain.enrollment import Enrollment
from domain.fields import Scope
from domain.steps.outcome import Done, Listen, Outcome
from domain.triggers import Heard, Index, index_heard
from domain.workflow import Step, Trigger

KIND: Final = "wait_for_event"
RECEIVED: Final = "received"
TIMEOUT: Final = "timeout"
"""The branches: the event came, or the time-out was over."""
DELIVERY: Final = "delivery"
"""What an awaited delivery is called, beside the triggers."""


class AwaitedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose delivery is waited for: the step that sent it, and the statuses of which one must be reported."""

    step: str
    statuses: tuple[str, ...]


class WaitForEvent(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is waited for: any of these, and how long at most."""

    events: tuple[Trigger | AwaitedDelivery, ...]
    timeout_ms: int | None = None

    @cached_property
    def index(self) -> Index[Heard]:
        """The facts that end the wait, compiled once, by type and key."""
        facts = [(number, one) for number, one in enumerate(self.events, 1) if isinstance(one, Trigger)]
        return index_heard(Heard.of(number, one) for number, one in facts)

    @cached_property
    def words(self) -> list[str]:
        """What is waited for, as a person says it."""
        return [
            words.trigger(one) if isinstance(one, Trigger) else words.delivery(one.step, one.statuses)
            for one in self.events
        ]

    def told(self, timeout_ms: int | None) -> dict[str, Any]:
        """What the journal says of a wait for this: for what, and for how long at most."""
        given: dict[str, Any] = {"waits_for": self.words}
        return given if timeout_ms is None else {**given, "seconds": timeout_ms / 1000}

    def reported(self, enrollment: Enrollment) -> dict[str, Any] | None:
        """The output of a wait that a delivery ends which was reported by now; None when none was."""
        return next(self._reported(enrollment), None)

    def _reported(self, enrollment: Enrollment) -> Iterator[dict[str, Any]]:
        for number, one in enumerate(self.events, 1):
            if isinstance(one, AwaitedDelivery):
                for status in enrollment.reports_of(one.step):
                    if any(counts_as(status, wanted) for wanted in one.statuses):
                        yield came(number, {"type": DELIVERY, "data": {"step": one.step, "status": status}})


def is_received(event: j.JournalEvent) -> bool:
    """Whether a wait is over because what it waited for came (or had been reported already)."""
    return isinstance(event, j.StepCompleted) and event.step_type == KIND and event.branch == RECEIVED


def came(number: int, event: dict[str, Any]) -> dict[str, Any]:
    """The output of a wait: which of the events came, from 1, and that event as `event.` reads one."""
    return {"timed_out": False, "number": number, **event}


def enter(step: Step, scope: Scope) -> Outcome:
    """Wait from now on. A delivery that was reported by now ends the wait at once, other events only if they come later."""
    config: WaitForEvent = step.config
    given = config.told(config.timeout_ms)
    output = config.reported(scope.enrollment) if scope.enrollment else None
    if output is not None:
        return Done(input=given, output=output, branch=RECEIVED)
    if config.timeout_ms == 0:
        return Done(input=given, output={"timed_out": True}, branch=TIMEOUT)
    due_at_ms = None if config.timeout_ms is None else scope.now_ms + config.timeout_ms
    return Listen(due_at_ms=due_at_ms, input=given)
