"""How each journal event changes a contact's state: the one fold that gives all state, live and in replay."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.contact import Contact, apply_fact
from domain.enrollment import CLOSED, Enrollment, PendingAction, Timer, transition
from domain.errors import JournalGap
from domain.state import ContactState, PartitionState, Seen, WorkflowHistory

RETENTION_MS: Final = 30 * 86_400_000
"""How long at least an input's identity is remembered, in journal time."""
RATE_WINDOW_MS: Final = 3_600_000
"""The running window in which the rate guard counts a contact's enrollments in one workflow."""


def initial(contact_id: str) -> ContactState:
    """The state of a contact of whom nothing is known."""
    return ContactState(contact=Contact(id=contact_id))


def evolve(state: ContactState, event: j.JournalEvent) -> ContactState:
    """The contact's state after one event.

    Raises:
        JournalGap: the event is not the next one of this contact.
        InvalidTransition: the event contradicts the transition table.
    """
    if event.seq != state.seq + 1:
        message = f"expected event {state.seq + 1} of contact {event.contact_id!r}, found {event.seq}"
        raise JournalGap(message)
    evolved = _CASES[type(event)](state, event)
    return replace(evolved, seq=event.seq)


def evolve_partition(state: PartitionState, event: j.JournalEvent) -> PartitionState:
    """The partition's state after one event under the reserved key.

    Raises:
        JournalGap: the event is not the next one.
    """
    if event.seq != state.seq + 1:
        message = f"expected partition event {state.seq + 1}, found {event.seq}"
        raise JournalGap(message)
    state = replace(state, seq=event.seq, last_time_ms=max(state.last_time_ms, event.at_ms))
    match event:
        case j.PartitionOpened():
            return replace(state, fires_from_ms=event.fires_from_ms)
        case j.CatalogueAdvanced():
            return replace(state, catalogue_offset=event.offset)
        case j.CatalogueReconciled():
            return replace(state, reconciled_offset=event.offset)
        case _:
            return state


def seen_key(source: str, input_id: str) -> bytes:
    """The key under which an input of a contact is remembered (16 bytes, so that the memory stays small)."""
    return blake2b(f"{len(source)}:{source}{input_id}".encode(), digest_size=16).digest()


COMMAND_SOURCE: Final = "headrace.commands"
"""The source under which commands are remembered."""


def _remember(seen: Seen, key: bytes, at_ms: int) -> Seen:
    if at_ms - seen.since_ms < RETENTION_MS:
        return replace(seen, current=seen.current | {key})
    previous = seen.current if at_ms - seen.since_ms < 2 * RETENTION_MS else frozenset()
    return Seen(since_ms=at_ms, current=frozenset({key}), previous=previous)


def _contact_event_accepted(state: ContactState, event: j.ContactEventAccepted) -> ContactState:
    contact = state.contact
    if not contact.created_at_ms:
        contact = replace(contact, created_at_ms=event.at_ms, updated_at_ms=event.at_ms)
    data = event.personal.data
    seen = _remember(state.seen, seen_key(event.source, event.event_id), event.at_ms)
    if not event.applied:
        return replace(state, contact=contact, seen=seen)
    contact = apply_fact(contact, event.event_type, data, event.at_ms)
    state = replace(state, contact=contact, seen=seen)
    if event.event_type != "contact.sms_received":
        return state
    body = data.get("body")
    enrollments = {key: replace(e, last_sms_reply=body) for key, e in state.enrollments.items()}
    return replace(state, last_sms_reply=body, enrollments=enrollments)


def _command_resulted(state: ContactState, event: j.CommandResulted) -> ContactState:
    return replace(state, seen=_remember(state.seen, seen_key(COMMAND_SOURCE, event.command_id), event.at_ms))


def _contact_changed(state: ContactState, event: j.ContactChanged) -> ContactState:
    return replace(state, contact=apply_fact(state.contact, event.change, event.personal.data, event.at_ms))


def _enrolled(state: ContactState, event: j.Enrolled) -> ContactState:
    enrollment = Enrollment(
        id=event.enrollment_id,
        workflow_id=event.workflow_id,
        version=event.version,
        step_id=event.first_step,
        hops=event.hops,
        enrolled_at_ms=event.at_ms,
        event=event.personal.event,
    )
    state = _count(state, event.workflow_id, event.at_ms, enrolled=1)
    return replace(state, enrollments=state.enrollments | {enrollment.id: enrollment})


def _trigger_skipped(state: ContactState, event: j.TriggerSkipped) -> ContactState:
    return _count(state, event.workflow_id, event.at_ms, enrolled=0) if event.reason == "rate_guard" else state


def _count(state: ContactState, workflow_id: str, at_ms: int, *, enrolled: int) -> ContactState:
    known = state.history.get(workflow_id, WorkflowHistory())
    fresh = at_ms - known.window_start_ms >= RATE_WINDOW_MS
    history = WorkflowHistory(
        count=known.count + enrolled,
        window_start_ms=at_ms if fresh else known.window_start_ms,
        window_count=1 if fresh else known.window_count + 1,
    )
    return replace(state, history=state.history | {workflow_id: history})


def _ended(status: str) -> Callable[[ContactState, Any], ContactState]:
    def end(state: ContactState, event: Any) -> ContactState:
        enrollment = transition(state.enrollments[event.enrollment_id], status)
        return _keep(state, replace(enrollment, timer=_deadline(enrollment), incident_id=None))

    return end


def _deadline(enrollment: Enrollment) -> Timer | None:
    timer = enrollment.timer
    return timer if timer and timer.kind == "deadline" else None


def _keep(state: ContactState, enrollment: Enrollment) -> ContactState:
    """Put the enrollment back, unless it is closed and no attempt of it is open."""
    attempt_open = enrollment.action is not None and enrollment.action.status == "running"
    if enrollment.status in CLOSED and not attempt_open:
        return replace(state, enrollments={k: e for k, e in state.enrollments.items() if k != enrollment.id})
    return replace(state, enrollments=state.enrollments | {enrollment.id: enrollment})


def _on_enrollment(case: Callable[[Enrollment, Any], Enrollment]) -> Callable[[ContactState, Any], ContactState]:
    def on_state(state: ContactState, event: Any) -> ContactState:
        return _keep(state, case(state.enrollments[event.enrollment_id], event))

    return on_state


def _enrollment_paused(enrollment: Enrollment, event: j.EnrollmentPaused) -> Enrollment:
    return replace(transition(enrollment, "paused"), paused_at_ms=event.paused_at_ms, paused_by=event.by)


def _enrollment_resumed(enrollment: Enrollment, event: j.EnrollmentResumed) -> Enrollment:
    timer = enrollment.timer
    if timer and timer.kind != "deadline":
        timer = Timer(timer.kind, timer.due_at_ms + event.shift_ms)
    return replace(transition(enrollment, "active"), timer=timer, paused_at_ms=0, paused_by=None)


def _enrollment_retried(enrollment: Enrollment, event: j.EnrollmentRetried) -> Enrollment:
    enrollment = replace(transition(enrollment, "active"), incident_id=None, steps_since_wait=0)
    if event.how != "again":
        return enrollment
    action = enrollment.action
    if action is None:
        return replace(enrollment, entered=False)
    return replace(enrollment, action=replace(action, status="requested", tries_left=action.tries, code=None))


def _enrollment_migrated(enrollment: Enrollment, event: j.EnrollmentMigrated) -> Enrollment:
    return replace(enrollment, version=event.version)


def _visited(enrollment: Enrollment, event: Any) -> dict[str, int]:
    return enrollment.visits | {event.step_id: event.visit}


def _timer_set(enrollment: Enrollment, event: j.TimerSet) -> Enrollment:
    timer = Timer("delay", event.due_at_ms)
    visits = _visited(enrollment, event)
    return replace(enrollment, entered=True, timer=timer, visits=visits, steps_since_wait=0)


def _action_requested(enrollment: Enrollment, event: j.ActionRequested) -> Enrollment:
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
    )
    return replace(enrollment, entered=True, action=action, visits=_visited(enrollment, event))


def _action(enrollment: Enrollment) -> PendingAction:
    assert enrollment.action is not None, f"enrollment {enrollment.id} has no action"
    return enrollment.action


def _attempt_started(enrollment: Enrollment, event: j.AttemptStarted) -> Enrollment:
    action = replace(
        _action(enrollment),
        status="running",
        attempt=event.attempt,
        tries_left=_action(enrollment).tries_left - 1,
        start_by_ms=event.start_by_ms,
        deadline_ms=event.deadline_ms,
        code=None,
    )
    return replace(enrollment, action=action, timer=Timer("deadline", event.deadline_ms))


def _attempt_succeeded(enrollment: Enrollment, event: j.AttemptSucceeded) -> Enrollment:
    state = enrollment.state if event.personal.state is None else event.personal.state
    return replace(enrollment, action=None, timer=None, state=state)


def _attempt_ended(status: str) -> Callable[[Enrollment, Any], Enrollment]:
    def end(enrollment: Enrollment, event: j.AttemptFailed | j.AttemptUnknown) -> Enrollment:
        if event.retry_at_ms is None:
            action = replace(_action(enrollment), status=status, code=event.code)
            return replace(enrollment, action=action, timer=None)
        action = replace(_action(enrollment), status="backoff", code=event.code)
        return replace(enrollment, action=action, timer=Timer("retry", event.retry_at_ms))

    return end


def _retry_due(enrollment: Enrollment, event: j.RetryDue) -> Enrollment:  # noqa: ARG001 one shape for all cases
    return replace(enrollment, action=replace(_action(enrollment), status="requested"), timer=None)


def _step_completed(enrollment: Enrollment, event: j.StepCompleted) -> Enrollment:
    output = event.personal.output
    return replace(
        _moved(enrollment, event, event.next_step),
        outputs=enrollment.outputs | {event.step_id: output} if output else enrollment.outputs,
    )


def _step_skipped(enrollment: Enrollment, event: j.StepSkipped) -> Enrollment:
    return _moved(enrollment, event, event.next_step)


def _step_failed(enrollment: Enrollment, event: j.StepFailed) -> Enrollment:
    if event.goes_on:
        return _moved(enrollment, event, event.next_step)
    return replace(enrollment, entered=True, visits=_visited(enrollment, event))


def _moved(enrollment: Enrollment, event: Any, next_step: str | None) -> Enrollment:
    return replace(
        enrollment,
        step_id=next_step,
        entered=False,
        visits=_visited(enrollment, event),
        steps_since_wait=enrollment.steps_since_wait + 1,
        action=None,
        timer=None,
    )


def _incident_opened(state: ContactState, event: j.IncidentOpened) -> ContactState:
    if event.enrollment_id is None:
        return state
    enrollment = transition(state.enrollments[event.enrollment_id], "failed")
    return _keep(state, replace(enrollment, incident_id=event.incident_id, entered=True, timer=None))


def _unchanged(state: ContactState, event: j.IncidentResolved) -> ContactState:  # noqa: ARG001
    return state


_CASES: Final[dict[type[j.JournalEvent], Callable[[ContactState, Any], ContactState]]] = {
    j.ContactEventAccepted: _contact_event_accepted,
    j.CommandResulted: _command_resulted,
    j.ContactChanged: _contact_changed,
    j.Enrolled: _enrolled,
    j.TriggerSkipped: _trigger_skipped,
    j.EnrollmentCompleted: _ended("completed"),
    j.EnrollmentExited: _ended("exited"),
    j.EnrollmentCancelled: _ended("cancelled"),
    j.EnrollmentPaused: _on_enrollment(_enrollment_paused),
    j.EnrollmentResumed: _on_enrollment(_enrollment_resumed),
    j.EnrollmentRetried: _on_enrollment(_enrollment_retried),
    j.EnrollmentMigrated: _on_enrollment(_enrollment_migrated),
    j.TimerSet: _on_enrollment(_timer_set),
    j.ActionRequested: _on_enrollment(_action_requested),
    j.AttemptStarted: _on_enrollment(_attempt_started),
    j.AttemptSucceeded: _on_enrollment(_attempt_succeeded),
    j.AttemptFailed: _on_enrollment(_attempt_ended("failed")),
    j.AttemptUnknown: _on_enrollment(_attempt_ended("unknown")),
    j.RetryDue: _on_enrollment(_retry_due),
    j.StepCompleted: _on_enrollment(_step_completed),
    j.StepSkipped: _on_enrollment(_step_skipped),
    j.StepFailed: _on_enrollment(_step_failed),
    j.IncidentOpened: _incident_opened,
    j.IncidentResolved: _unchanged,
}

CONTACT_EVENTS: Final = frozenset(_CASES)
"""Every journal event of a contact; the others are a partition's own."""
