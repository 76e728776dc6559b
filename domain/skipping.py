"""A step that is not done: the enrollment goes on without it, or leaves the workflow at it, for a reason."""

from domain import journal as j
from domain.decision import Decision
from domain.enrollment import Enrollment, PendingAction
from domain.workflow import Step


def skip_step(decision: Decision, enrollment: Enrollment, step: Step, visit: int, reason: str) -> None:
    """Record that the step is not done; the enrollment stands at the next one."""
    _record(decision, enrollment, step, visit, reason, step.next)


def skip_action(decision: Decision, enrollment: Enrollment, action: PendingAction, step: Step, reason: str) -> None:
    """Let the enrollment go on without the message that it waits for."""
    leave_undone(decision, enrollment, step, action.visit, "skip", reason)


def leave_undone(decision: Decision, enrollment: Enrollment, step: Step, visit: int, then: str, reason: str) -> None:
    """Go on without the step (`skip`), or leave the workflow at it (`exit`)."""
    _record(decision, enrollment, step, visit, reason, step.next if then == "skip" else None)
    if then == "exit":
        decision.on(j.EnrollmentExited, enrollment, reason=f"{reason}: {step.id}")
    else:
        decision.runnable.append(enrollment.id)


def _record(
    decision: Decision, enrollment: Enrollment, step: Step, visit: int, reason: str, next_step: str | None
) -> None:
    decision.on_visit(
        j.StepSkipped, enrollment, step.id, visit, step_type=step.kind, reason=reason, next_step=next_step
    )
