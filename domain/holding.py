"""Holding: a message that may not go now waits until it may, and its step is then entered anew.

A hold is a rule's wish, so it is no lateness; what passes after its end is. Each time that a message could go it is
asked again: when its step is entered, when a slot is free for it, and when a hold or a pause is over.
"""

from typing import Final

from domain import journal as j
from domain.decision import Decision
from domain.enrollment import Enrollment
from domain.frequency import free_at
from domain.ids import action_key
from domain.send_window import opens_at
from domain.skipping import skip_step
from domain.workflow import Step

OUTSIDE_WINDOW: Final = "send_window"
OVER_CAP: Final = "frequency_cap"


def kept_back(decision: Decision, enrollment: Enrollment, step: Step, visit: int) -> bool:
    """Whether the step's message may not go now; then it is held, or skipped, as its limits say."""
    if step.send_window is None and step.frequency_cap is None:
        return False
    now_ms, cap = decision.context.now_ms, step.frequency_cap
    opens_ms = _opens_at(decision, step, now_ms)
    free_ms = _free_at(decision, enrollment, step, visit)
    if free_ms > now_ms and cap is not None and cap.skips:
        if opens_ms <= now_ms:  # one that is outside its window is asked again when that opens
            skip_step(decision, enrollment, step, visit, OVER_CAP)
            decision.runnable.append(enrollment.id)
            return True
        free_ms = now_ms
    until_ms = _opens_at(decision, step, free_ms)
    if until_ms <= now_ms:
        return False
    decision.on_visit(
        j.SendHeld,
        enrollment,
        step.id,
        visit,
        step_type=step.kind,
        until_ms=until_ms,
        reason=OVER_CAP if free_ms > now_ms else OUTSIDE_WINDOW,
    )
    return True


def _opens_at(decision: Decision, step: Step, from_ms: int) -> int:
    """When the step's window is open next."""
    timezone = decision.state.contact.timezone
    return from_ms if step.send_window is None else opens_at(step.send_window, timezone, from_ms)


def _free_at(decision: Decision, enrollment: Enrollment, step: Step, visit: int) -> int:
    """When the step's cap allows one more message."""
    now_ms = decision.context.now_ms
    if step.frequency_cap is None:
        return now_ms
    return free_at(step.frequency_cap, decision.state.sent, action_key(enrollment.id, step.id, visit), now_ms)
