"""Running enrollments until they block: each step is entered, and says where to go or what to wait for."""

from typing import Any

from domain import journal as j
from domain.completing import complete_step, current_step
from domain.consenting import refusal
from domain.decision import MAX_STEPS_WITHOUT_WAIT, Decision
from domain.enrollment import Enrollment
from domain.errors import StepError
from domain.failing import fail_step, stop_at_step
from domain.hearing import hear
from domain.holding import kept_back
from domain.ids import action_key
from domain.lateness import skipped_on_entering
from domain.skipping import skip_step
from domain.steps.kinds import enter_of
from domain.steps.outcome import Ask, Change, Done, Leave, Listen, Outcome, Wait
from domain.steps.wait_for_event import TIMEOUT
from domain.times import format_time
from domain.workflow import Step


def run(decision: Decision) -> None:
    """Run every enrollment that may go on, and those that its changes start, until each one blocks."""
    while decision.runnable:
        run_turn(decision, decision.runnable.pop(0))


def run_turn(decision: Decision, enrollment_id: str) -> None:
    """Run one enrollment until it blocks; what its changes start gets its turn later."""
    while (enrollment := decision.enrollment(enrollment_id)) and _may_run(enrollment):
        _step(decision, enrollment)


def _may_run(enrollment: Enrollment) -> bool:
    return enrollment.status == "active" and not enrollment.entered


def _step(decision: Decision, enrollment: Enrollment) -> None:
    if enrollment.step_id is None:
        decision.on(j.EnrollmentCompleted, enrollment)
        return
    workflow = decision.context.catalogue.workflow(enrollment.workflow_id, enrollment.version)
    step = workflow.steps[enrollment.step_id]
    visit = enrollment.visits.get(step.id, 0) + 1
    limit = max(MAX_STEPS_WITHOUT_WAIT, 2 * len(workflow.steps))
    if enrollment.steps_since_wait >= limit:
        message = f"{limit} steps ran without a wait; the workflow goes round in a circle: put a delay into it"
        stop_at_step(decision, enrollment, step, visit, "step_guard", message)
        return
    if not skipped_on_entering(decision, enrollment, step, visit):
        _enter(decision, enrollment, step, visit)


def _enter(decision: Decision, enrollment: Enrollment, step: Step, visit: int) -> None:
    try:
        outcome = enter_of(step.kind)(step, decision.scope(enrollment))
    except StepError as error:
        fail_step(decision, enrollment, step, visit, error.code, str(error))
        return
    _apply(decision, enrollment, step, visit, outcome)


def _apply(decision: Decision, enrollment: Enrollment, step: Step, visit: int, outcome: Outcome) -> None:
    match outcome:
        case Done():
            for change in outcome.changes:
                _change(decision, enrollment, step, visit, change)
            data = j.StepData(outcome.input, outcome.output)
            complete_step(decision, enrollment, step, visit, data, branch=outcome.branch)
        case Wait() | Listen():
            decision.on_visit(
                j.TimerSet if isinstance(outcome, Wait) else j.EventAwaited,
                enrollment,
                step.id,
                visit,
                step_type=step.kind,
                due_at_ms=outcome.due_at_ms,
                personal=j.StepData(outcome.input),
            )
        case Ask() if (reason := refusal(decision, outcome.channel, outcome.request)) is not None:
            skip_step(decision, enrollment, step, visit, reason)
        case Ask() if kept_back(decision, enrollment, step, visit):
            pass
        case Ask():
            decision.on_visit(
                j.ActionRequested,
                enrollment,
                step.id,
                visit,
                step_type=step.kind,
                action_key=action_key(enrollment.id, step.id, visit),
                channel=outcome.channel,
                tries=step.retry.max_attempts,
                secrets=outcome.secrets,
                personal=j.Request(outcome.request),
            )
        case Leave():
            data = j.StepData({"reason": outcome.reason})
            decision.on_visit(j.StepCompleted, enrollment, step.id, visit, step_type=step.kind, personal=data)
            decision.on(j.EnrollmentExited, enrollment, reason=outcome.reason)


def _change(decision: Decision, enrollment: Enrollment, step: Step, visit: int, change: Change) -> None:
    before = decision.state.contact
    hops = enrollment.hops + 1
    changed = decision.on_visit(
        j.ContactChanged, enrollment, step.id, visit, change=change.type, hops=hops, personal=j.Data(change.data)
    )
    hear(decision, before, changed)


def complete_wait(decision: Decision, enrollment: Enrollment) -> None:
    """A delay, or the time-out of a wait for an event, is over: complete its step and let the enrollment run on."""
    timer, step = enrollment.timer, current_step(decision, enrollment)
    assert timer is not None
    output: dict[str, Any] = {"delay_until": format_time(timer.due_at_ms)}
    branch = None
    if enrollment.awaits_event:
        output, branch = {"timed_out": True, **output}, TIMEOUT
    complete_step(decision, enrollment, step, enrollment.visits[step.id], j.StepData({}, output), branch=branch)
    decision.runnable.append(enrollment.id)


def hold_is_over(decision: Decision, enrollment: Enrollment) -> None:
    """What held a message is over: enter its step anew, with the texts and the consent of now."""
    action, step = enrollment.action, current_step(decision, enrollment)
    if action is not None:  # it was asked for before, and keeps its text
        decision.on_visit(j.RetryDue, enrollment, action.step_id, action.visit, action_key=action.key)
        return
    _enter(decision, enrollment, step, enrollment.visits[step.id])
    decision.runnable.append(enrollment.id)


def complete_action(decision: Decision, enrollment: Enrollment, output: dict[str, object]) -> None:
    """A provider took the action: complete its step and let the enrollment run on."""
    step = current_step(decision, enrollment)
    complete_step(decision, enrollment, step, enrollment.visits[step.id], j.StepData({}, output))
    decision.runnable.append(enrollment.id)
