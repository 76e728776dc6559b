"""Lateness: what becomes of a step that runs later than planned, as its definition says, or else as the engine is told.

A wait is late when it ends after its time. The steps that follow it are as late as it was, until the next wait, which
begins anew. An action is late, beside that, by the time that it waits for its attempt (a worker was down, a provider
slow); pauses, back-offs and holds are no lateness.
"""

from typing import Final

from domain import journal as j
from domain.decision import Decision
from domain.enrollment import Enrollment
from domain.skipping import leave_undone
from domain.steps.kinds import WAITS
from domain.workflow import Step

REASON: Final = "late"
"""Why a late step is skipped, and (with the step's id) why an enrollment leaves."""
HOLDER: Final = "lateness"
"""By whom an enrollment is paused that would run too late."""


def late_by(enrollment: Enrollment, now_ms: int) -> int:
    """By how much what the enrollment waits for is late; 0 when it is not, or when it waits for nothing in time."""
    action, timer = enrollment.action, enrollment.timer
    to_be_sent = action.status == "requested" if action is not None else timer is not None and timer.kind == "hold"
    return kept_waiting(enrollment, now_ms) + (enrollment.late_ms if to_be_sent else 0)


def kept_waiting(enrollment: Enrollment, now_ms: int) -> int:
    """The same without what it carries from a wait before."""
    if enrollment.status == "paused" and enrollment.paused_by != HOLDER:
        now_ms = enrollment.paused_at_ms  # while it stands still by somebody's wish nothing gets later
    timer, action = enrollment.timer, enrollment.action
    if timer is not None:
        return max(0, now_ms - timer.due_at_ms)
    return max(0, now_ms - action.ready_at_ms) if action is not None and action.status == "requested" else 0


def stopped_as_late(decision: Decision, enrollment: Enrollment, step: Step) -> bool:
    """Whether the wait that ends, or the action that could begin, is too late to go on; then what follows is decided."""
    now_ms, hold_late_ms = decision.context.now_ms, decision.context.hold_late_ms
    visit = enrollment.visits[step.id]
    then = _by_rule(step, late_by(enrollment, now_ms))
    if then in ("skip", "exit"):
        leave_undone(decision, enrollment, step, visit, then, REASON)
        return True
    kept_ms = kept_waiting(enrollment, now_ms)
    if step.lateness is not None or hold_late_ms is None or kept_ms <= hold_late_ms:
        return False
    decision.on_visit(j.EnrollmentHeld, enrollment, step.id, visit, due_at_ms=now_ms - kept_ms)
    return True


def skipped_on_entering(decision: Decision, enrollment: Enrollment, step: Step, visit: int) -> bool:
    """Whether a step is too late to be entered at all: its own rule says so, as the wait before it ended so late.

    A wait is never too late to begin.
    """
    then = "run" if step.kind in WAITS else _by_rule(step, enrollment.late_ms)
    if then == "run":
        return False
    leave_undone(decision, enrollment, step, visit, then, REASON)
    return True


def _by_rule(step: Step, late_ms: int) -> str:
    """`run`, `skip` or `exit`, as the definition says."""
    rule = step.lateness
    return "run" if rule is None or late_ms <= rule.max_ms else rule.then
