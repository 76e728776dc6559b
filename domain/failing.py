"""A step that failed for good: `on_failure` says whether a person is asked, or where the enrollment goes."""

from domain import journal as j
from domain.decision import Decision
from domain.enrollment import Enrollment
from domain.workflow import Step


def fail_step(decision: Decision, enrollment: Enrollment, step: Step, visit: int, code: str, message: str) -> None:
    """Record the failure and do what the step's `on_failure` says."""
    if step.on_failure == "incident":
        stop_at_step(decision, enrollment, step, visit, code, message)
        return
    goes_on = step.on_failure != "exit"
    next_step = step.next if step.on_failure == "continue" else step.on_failure
    decision.on_visit(
        j.StepFailed,
        enrollment,
        step.id,
        visit,
        step_type=step.kind,
        code=code,
        goes_on=goes_on,
        next_step=next_step if goes_on else None,
        personal=j.Message(message),
    )
    if goes_on:
        decision.runnable.append(enrollment.id)
    else:
        decision.on(j.EnrollmentExited, enrollment, reason=f"step_failed: {step.id}")


def stop_at_step(decision: Decision, enrollment: Enrollment, step: Step, visit: int, code: str, message: str) -> None:
    """Record the failure and ask for a person."""
    decision.on_visit(
        j.StepFailed, enrollment, step.id, visit, step_type=step.kind, code=code, personal=j.Message(message)
    )
    decision.incident(code, message, enrollment=enrollment)
