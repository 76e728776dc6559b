"""Holding: a message that may not go now waits until it may, and its step is then entered anew.

A hold is a rule's wish, so it is no lateness; what passes after its end is. Each time that a message could go it is
asked again: when its step is entered, when a slot is free for it, and when a hold or a pause is over.
"""

from typing import Final, NamedTuple

from domain import journal as j
from domain.decision import Decision
from domain.enrollment import Enrollment
from domain.send_window import opens_at
from domain.workflow import Step

OUTSIDE_WINDOW: Final = "send_window"


class Hold(NamedTuple):
    """Until when a message waits, and why."""

    until_ms: int
    reason: str


def hold_of(decision: Decision, step: Step) -> Hold | None:
    """What keeps a message of this step from going now, if anything does."""
    if step.send_window is None:
        return None
    now_ms = decision.context.now_ms
    until_ms = opens_at(step.send_window, decision.state.contact.timezone, now_ms)
    return Hold(until_ms, OUTSIDE_WINDOW) if until_ms > now_ms else None


def hold(decision: Decision, enrollment: Enrollment, step: Step, visit: int, found: Hold) -> None:
    """Let the message wait."""
    decision.on_visit(
        j.SendHeld,
        enrollment,
        step.id,
        visit,
        step_type=step.kind,
        until_ms=found.until_ms,
        reason=found.reason,
    )
