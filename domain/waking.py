"""Waking: what an enrollment waits for came, so its wait is over and it runs on.

A wait hears only what comes after it began, but for the deliveries of its own messages: these count from the first. While
the enrollment is paused it hears, too, and goes on from there when it is resumed. One whose time-out is over and that
is held as too late hears nothing more: a person's word is waited for.
"""

from collections.abc import Sequence

from domain import journal as j
from domain.catalogue import Catalogue
from domain.completing import complete_step, current_step, current_workflow
from domain.decision import MAX_HOPS, Decision
from domain.enrollment import Enrollment
from domain.errors import StepError
from domain.facts import News
from domain.lateness import HOLDER
from domain.steps.wait_for_event import RECEIVED, WaitForEvent, came
from domain.triggers import Heard, fired_by


def wake(decision: Decision, news: News) -> None:
    """End the contact's waits for a fact that was just recorded; conditions see the state after it."""
    for enrollment in tuple(decision.state.enrollments.values()):
        if not _hears(enrollment):
            continue
        found = fired_by(_awaited(decision, enrollment).index, news.type, news.data)
        heard = _first(decision, enrollment, found, news) if found else None
        if heard is None:
            continue
        if news.hops > MAX_HOPS:
            _stop_chain(decision, enrollment)
            continue
        _, operands = heard.explained(decision.scope(enrollment, news.event))
        given = {"conditions": operands} if operands else {}
        _end(decision, enrollment, j.StepData(given, came(heard.index, news.event)), news.hops)


def wake_by_delivery(decision: Decision, enrollment_id: str) -> None:
    """End the enrollment's wait if it is for a delivery that is reported by now."""
    enrollment = decision.enrollment(enrollment_id)
    if enrollment is not None and _hears(enrollment):
        output = _awaited(decision, enrollment).reported(enrollment)
        if output is not None:
            _end(decision, enrollment, j.StepData({}, output), None)


def move(decision: Decision, enrollment: Enrollment, version: int) -> None:
    """Let the enrollment go on in another version; a wait is told anew if that waits for something else.

    The time-out that was set stays. A delivery that was reported by now may be what the new version waits for.
    """
    was = _awaited(decision, enrollment) if enrollment.awaits_event else None
    decision.on(j.EnrollmentMigrated, enrollment, version=version)
    wake_by_delivery(decision, enrollment.id)
    moved = decision.enrollment(enrollment.id)
    if was is None or moved is None or not moved.awaits_event:
        return
    awaited, step, timer = _awaited(decision, moved), current_step(decision, moved), moved.timer
    if awaited.words != was.words:
        decision.on_visit(
            j.EventAwaited,
            moved,
            step.id,
            moved.visits[step.id],
            step_type=step.kind,
            due_at_ms=timer.due_at_ms if timer else None,
            personal=j.StepData(awaited.told(was.timeout_ms)),
        )


def may_move(catalogue: Catalogue, enrollment: Enrollment, version: int) -> bool:
    """Whether a version has the step that the enrollment stands at; one that waits for an event needs such a wait there."""
    step = catalogue.workflow(enrollment.workflow_id, version).steps.get(enrollment.step_id or "")
    return step is not None and (not enrollment.awaits_event or isinstance(step.config, WaitForEvent))


def _hears(enrollment: Enrollment) -> bool:
    return enrollment.awaits_event and enrollment.paused_by != HOLDER


def _awaited(decision: Decision, enrollment: Enrollment) -> WaitForEvent:
    config: WaitForEvent = current_step(decision, enrollment).config
    return config


def _first(decision: Decision, enrollment: Enrollment, found: Sequence[Heard], news: News) -> Heard | None:
    """The first of the awaited events that this is; one whose conditions can't be asked is none, and says so."""
    scope = decision.scope(enrollment, news.event)
    for one in sorted(found, key=lambda heard: heard.index):
        try:
            if one.holds(scope):
                return one
        except StepError as error:
            workflow = current_workflow(decision, enrollment)
            message = f"the conditions of the wait {enrollment.step_id!r} of {workflow.name!r} can't be asked: {error}"
            decision.incident(error.code, message, workflow_id=workflow.id)
    return None


def _stop_chain(decision: Decision, enrollment: Enrollment) -> None:
    workflow = current_workflow(decision, enrollment)
    message = f"a chain of more than {MAX_HOPS} changes, triggers and waits was stopped before {workflow.name!r}"
    decision.incident("hop_limit", message, workflow_id=workflow.id)


def _end(decision: Decision, enrollment: Enrollment, data: j.StepData, hops: int | None) -> None:
    step = current_step(decision, enrollment)
    complete_step(decision, enrollment, step, enrollment.visits[step.id], data, branch=RECEIVED, hops=hops)
    decision.runnable.append(enrollment.id)
