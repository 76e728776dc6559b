"""Repairing after an outage: what is late, or failed with its provider, runs now, is skipped, or ends the enrollment.

A repair names the visit of the step that its plan saw. What has moved on since then is left alone, so a plan may be old,
be applied twice, or be broken off and begun again.
"""

from typing import Final

from domain import command as c
from domain import journal as j
from domain.completing import current_step
from domain.decision import Decision
from domain.enrollment import CLOSED, Enrollment
from domain.lateness import late_by
from domain.operating import settle_incident
from domain.running import complete_wait, hold_is_over
from domain.skipping import leave_undone
from domain.steps.kinds import MESSAGE_CHANNELS

HOWS: Final = ("run", "skip", "exit")
"""What a repair may do with a late step."""
REASON: Final = "repair"
"""Why a step is skipped, and (with the step's id) why an enrollment leaves."""
_TYPE: Final = "repair_enrollment"


def repair(decision: Decision, command: c.RepairEnrollment) -> None:
    """Settle the late or failed step as the command says, on the record: who, why, and how late it was."""
    enrollment = decision.enrollment(command.enrollment_id)
    refusal = _refusal(decision, enrollment, command)
    if refusal is not None or enrollment is None:
        code, reason = refusal or ("conflict", "")
        decision.result(command.command_id, _TYPE, "rejected", code=code, reason=reason)
        return
    decision.result(command.command_id, _TYPE, "accepted", enrollment_id=enrollment.id)
    decision.on_visit(
        j.EnrollmentRepaired,
        enrollment,
        command.step_id,
        command.visit,
        command_id=command.command_id,
        how=command.how,
        by=command.by,
        late_ms=late_by(enrollment, decision.context.now_ms),
        personal=j.Message(command.note),
    )
    if enrollment.incident_id is not None:
        settle_incident(decision, enrollment, enrollment.incident_id, "again" if command.how == "run" else "skip")
    if command.how == "run":
        _run_now(decision, enrollment)
    else:
        _leave(decision, enrollment, command.how)


def _refusal(decision: Decision, enrollment: Enrollment | None, command: c.RepairEnrollment) -> tuple[str, str] | None:
    """Code and reason when the repair does not apply (any more)."""
    if command.how not in HOWS:
        return "invalid", f"expected `as` to be one of {', '.join(HOWS)}, found {command.how!r}"
    if enrollment is None or enrollment.status in CLOSED:
        return "moved_on", f"there is no open enrollment {command.enrollment_id}; it has ended, or there never was one"
    visit = enrollment.visits.get(command.step_id, 0)
    if (enrollment.step_id, visit) != (command.step_id, command.visit) or not enrollment.entered:
        found = f"{enrollment.step_id} (visit {enrollment.visits.get(enrollment.step_id or '', 0)})"
        expected = f"{command.step_id} (visit {command.visit})"
        return "moved_on", f"expected the enrollment at step {expected}, found it at {found}: it went on by itself"
    return _not_settleable(decision, enrollment, command.how)


def _not_settleable(decision: Decision, enrollment: Enrollment, how: str) -> tuple[str, str] | None:
    action = enrollment.action
    if enrollment.status == "failed":
        if how == "run" and action and action.status == "unknown" and action.channel in MESSAGE_CHANNELS:
            reason = (
                "nobody knows whether the message went out: settle this incident by itself, as `again` may send twice"
            )
            return "outcome_unknown", reason
        return None
    if action is not None and action.status in ("running", "unknown") and enrollment.timer is not None:
        return (
            "conflict",
            "an attempt is under way, or its provider is asked what became of it: its outcome comes first",
        )
    if enrollment.status == "paused" and enrollment.paused_by != "lateness" and how == "run":
        return "paused", f"it is paused by its {enrollment.paused_by}: resume that first, or skip or exit"
    if late_by(enrollment, decision.context.now_ms) == 0:
        return "not_late", "the step that it stands at is not late"
    return None


def _run_now(decision: Decision, enrollment: Enrollment) -> None:
    timer, action = enrollment.timer, enrollment.action
    if timer is not None and timer.kind == "delay":
        complete_wait(decision, enrollment)
    elif timer is not None and timer.kind == "hold":
        hold_is_over(decision, enrollment)
    elif action is not None and action.status == "backoff":
        decision.on_visit(j.RetryDue, enrollment, action.step_id, action.visit, action_key=action.key)
    else:  # the action waits for a slot, or the failed step is entered anew
        decision.runnable.append(enrollment.id)


def _leave(decision: Decision, enrollment: Enrollment, how: str) -> None:
    if how == "exit" and enrollment.status == "paused" and enrollment.paused_by != "lateness":
        shift_ms = decision.context.now_ms - enrollment.paused_at_ms
        decision.on(j.EnrollmentResumed, enrollment, shift_ms=max(0, shift_ms))  # nobody leaves while standing still
    step = current_step(decision, enrollment)
    leave_undone(decision, enrollment, step, enrollment.visits[step.id], how, REASON)
