"""An operator's commands about an enrollment: cancel, pause, resume, and retry of what failed."""

from domain import command as c
from domain import journal as j
from domain.completing import current_step
from domain.decision import Decision
from domain.enrollment import CLOSED, Enrollment
from domain.outcomes import settle_after_pause
from domain.running import hold_is_over
from domain.skipping import skip_step

RETRIES = ("again", "succeeded", "skip")
"""How a failed enrollment may be retried."""


def cancel(decision: Decision, command: c.CancelEnrollment) -> None:
    """End the enrollment now, unless it has ended."""
    enrollment = _open(decision, command.command_id, "cancel_enrollment", command.enrollment_id, None)
    if enrollment is not None:
        cancel_enrollment(decision, enrollment, command.reason)


def cancel_enrollment(decision: Decision, enrollment: Enrollment, reason: str) -> None:
    """End an enrollment; an attempt that is on its way still reports its outcome."""
    if enrollment.incident_id:
        decision.record(j.IncidentResolved, incident_id=enrollment.incident_id, resolution="cancelled")
    decision.on(j.EnrollmentCancelled, enrollment, reason=reason)


def pause(decision: Decision, command: c.PauseEnrollment) -> None:
    """Let an active enrollment stand still."""
    enrollment = _open(decision, command.command_id, "pause_enrollment", command.enrollment_id, "active")
    if enrollment is not None:
        decision.on(j.EnrollmentPaused, enrollment, by="operator", paused_at_ms=decision.context.now_ms)


def resume(decision: Decision, command: c.ResumeEnrollment) -> None:
    """Let a paused enrollment go on."""
    held = decision.enrollment(command.enrollment_id)
    if held is not None and held.paused_by == "lateness":
        reason = "it is held because its step is late: repair it, and say whether to run, to skip or to exit"
        decision.result(command.command_id, "resume_enrollment", "rejected", code="held", reason=reason)
        return
    enrollment = _open(decision, command.command_id, "resume_enrollment", command.enrollment_id, "paused")
    if enrollment is not None:
        resume_enrollment(decision, enrollment, decision.context.now_ms)


def resume_enrollment(decision: Decision, enrollment: Enrollment, resumed_at_ms: int) -> None:
    """Let it go on, its timers later by the time it stood still."""
    decision.on(j.EnrollmentResumed, enrollment, shift_ms=max(0, resumed_at_ms - enrollment.paused_at_ms))
    settle_after_pause(decision, enrollment)
    resumed = decision.enrollment(enrollment.id)
    if resumed is not None and resumed.timer is not None and resumed.timer.kind == "hold":
        hold_is_over(decision, resumed)  # it is asked again: a hold is until a time of day, and no shorter for a pause
    decision.runnable.append(enrollment.id)


def retry(decision: Decision, command: c.RetryEnrollment) -> None:
    """Settle the incident of a failed enrollment as the operator says."""
    if command.how not in RETRIES:
        reason = f"expected `as` to be one of {', '.join(RETRIES)}, found {command.how!r}"
        decision.result(command.command_id, "retry_enrollment", "rejected", code="invalid", reason=reason)
        return
    enrollment = _open(decision, command.command_id, "retry_enrollment", command.enrollment_id, "failed")
    if enrollment is None or enrollment.incident_id is None:
        return
    settle_incident(decision, enrollment, enrollment.incident_id, command.how)
    if command.how != "again":
        _settle_step(decision, enrollment, command.how)
    decision.runnable.append(enrollment.id)


def settle_incident(decision: Decision, enrollment: Enrollment, incident_id: str, how: str) -> None:
    """Close the incident, and let the enrollment be active again."""
    decision.record(j.IncidentResolved, incident_id=incident_id, resolution=how)
    decision.on(j.EnrollmentRetried, enrollment, incident_id=incident_id, how=how)


def _settle_step(decision: Decision, enrollment: Enrollment, how: str) -> None:
    step = current_step(decision, enrollment)
    visit = max(1, enrollment.visits.get(step.id, 0))
    if how == "succeeded":
        data = j.StepData({}, {"settled_by": "operator"})
        decision.on_visit(
            j.StepCompleted, enrollment, step.id, visit, step_type=step.kind, next_step=step.next, personal=data
        )
    else:
        skip_step(decision, enrollment, step, visit, "operator")


def _open(
    decision: Decision, command_id: str, command_type: str, enrollment_id: str, wanted: str | None
) -> Enrollment | None:
    """The enrollment if the command applies to it; the command's result is recorded either way."""
    enrollment = decision.enrollment(enrollment_id)
    if enrollment is None or enrollment.status in CLOSED:
        reason = f"there is no open enrollment {enrollment_id}; it has ended, or there never was one"
        decision.result(command_id, command_type, "rejected", code="conflict", reason=reason)
        return None
    if wanted is not None and enrollment.status != wanted:
        reason = f"expected an enrollment that is {wanted}, found {enrollment.status}"
        decision.result(command_id, command_type, "rejected", code="conflict", reason=reason)
        return None
    decision.result(command_id, command_type, "accepted", enrollment_id=enrollment_id)
    return enrollment
