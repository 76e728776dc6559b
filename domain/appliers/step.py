"""Events about one visit of a step: what it waits for, and where the enrollment goes from there."""

from typing import Any

from msgspec.structs import replace

from domain import journal as j
from domain.enrollment import Enrollment, PendingAction, Timer
from domain.steps.wait_for_event import is_received


def timer_set(enrollment: Enrollment, event: j.TimerSet) -> Enrollment:
    """The step waits for a time."""
    timer = Timer("delay", event.due_at_ms)
    visits = _visited(enrollment, event)
    return replace(enrollment, entered=True, timer=timer, visits=visits, steps_since_wait=0, late_ms=0)


def event_awaited(enrollment: Enrollment, event: j.EventAwaited) -> Enrollment:
    """The step waits for an event, and for a time at most when it has a time-out."""
    timer = None if event.due_at_ms is None else Timer("delay", event.due_at_ms)
    waiting = replace(enrollment, entered=True, timer=timer, visits=_visited(enrollment, event), awaits_event=True)
    return replace(waiting, steps_since_wait=0, late_ms=0)


def action_requested(enrollment: Enrollment, event: j.ActionRequested) -> Enrollment:
    """The step waits for a provider."""
    action = PendingAction(
        key=event.action_key,
        step_id=event.step_id,
        step_type=event.step_type,
        visit=event.visit,
        channel=event.channel,
        request=event.personal.request,
        requested_at_ms=event.at_ms,
        tries=event.tries,
        tries_left=event.tries,
        secrets=event.secrets,
        ready_at_ms=event.at_ms,
    )
    late_ms = enrollment.late_ms + _held_over_ms(enrollment, event.at_ms)
    visits = _visited(enrollment, event)
    return replace(enrollment, entered=True, action=action, timer=None, visits=visits, late_ms=late_ms)


def send_held(enrollment: Enrollment, event: j.SendHeld) -> Enrollment:
    """The message waits until it may go; one that was asked for already stays as it is."""
    action = None if enrollment.action is None else replace(enrollment.action, status="held")
    timer = Timer("hold", event.until_ms)
    return replace(enrollment, entered=True, action=action, timer=timer, visits=_visited(enrollment, event))


def step_completed(enrollment: Enrollment, event: j.StepCompleted) -> Enrollment:
    """The step is done; what it gave can be read by later ones."""
    output = event.personal.output
    outputs = {**enrollment.outputs, event.step_id: output} if output else enrollment.outputs
    moved = _moved(enrollment, event, event.next_step, outputs)
    return moved if event.hops is None else replace(moved, hops=event.hops)


def step_skipped(enrollment: Enrollment, event: j.StepSkipped) -> Enrollment:
    """The enrollment goes on as if the step were not there."""
    return _moved(enrollment, event, event.next_step, enrollment.outputs)


def step_failed(enrollment: Enrollment, event: j.StepFailed) -> Enrollment:
    """The enrollment goes on elsewhere, or stays for what follows: an incident, or its exit."""
    if event.goes_on:
        return _moved(enrollment, event, event.next_step, enrollment.outputs)
    return replace(enrollment, entered=True, visits=_visited(enrollment, event), awaits_event=False)


def _moved(enrollment: Enrollment, event: Any, step_id: str | None, outputs: dict[str, dict[str, Any]]) -> Enrollment:
    return replace(
        enrollment,
        step_id=step_id,
        entered=False,
        visits=_visited(enrollment, event),
        steps_since_wait=enrollment.steps_since_wait + 1,
        late_ms=_late_ms(enrollment, event),
        outputs=outputs,
        action=None,
        timer=None,
        awaits_event=False,
    )


def _late_ms(enrollment: Enrollment, event: j.JournalEvent) -> int:
    """A wait ends as late as it ends; what follows it is no less late, until the next wait. What is waited for is never late."""
    timer = enrollment.timer
    if timer is None or timer.kind != "delay" or is_received(event):
        return enrollment.late_ms
    return max(0, event.at_ms - timer.due_at_ms)


def _held_over_ms(enrollment: Enrollment, at_ms: int) -> int:
    """By how much a hold ended too late."""
    timer = enrollment.timer
    return max(0, at_ms - timer.due_at_ms) if timer and timer.kind == "hold" else 0


def _visited(enrollment: Enrollment, event: Any) -> dict[str, int]:
    return {**enrollment.visits, event.step_id: event.visit}
