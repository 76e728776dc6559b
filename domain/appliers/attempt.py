"""Events about the attempts of an action: the intent to call a provider, and what became of it."""

from msgspec.structs import replace

from domain import journal as j
from domain.appliers.enrollment import put
from domain.enrollment import Enrollment, PendingAction, Timer
from domain.state import ContactState


def attempt_started(enrollment: Enrollment, event: j.AttemptStarted) -> Enrollment:
    """A provider may have been called from here on, until the deadline."""
    action = _action(enrollment)
    started = replace(
        action,
        status="running",
        attempt=event.attempt,
        tries_left=action.tries_left - 1,
        start_by_ms=event.start_by_ms,
        deadline_ms=event.deadline_ms,
        started_at_ms=event.at_ms,
        code=None,
        asked=0,
        answered=0,
        rivals=(),
    )
    return replace(enrollment, action=started, timer=Timer("deadline", event.deadline_ms))


def attempt_succeeded(state: ContactState, event: j.AttemptSucceeded) -> ContactState:
    """The action is settled; a plug-in may have returned a new state. Its message is no other attempt's."""
    enrollment = state.enrollments[event.enrollment_id]
    kept = enrollment.state if event.personal.state is None else event.personal.state
    state = put(state, event, replace(enrollment, action=None, timer=None, state=kept))
    rivals = [one for one in state.enrollments.values() if one.action and one.action.status in ("running", "unknown")]
    if not rivals or event.provider_id is None:
        return state
    told = {one.id: replace(one, action=_told(_action(one), event.provider_id)) for one in rivals}
    return replace(state, enrollments={**state.enrollments, **told})


def _told(action: PendingAction, provider_id: str) -> PendingAction:
    return replace(action, rivals=(*action.rivals, provider_id))


def attempt_failed(enrollment: Enrollment, event: j.AttemptFailed) -> Enrollment:
    """The action is tried again when the event says when; one that is given back is not used up."""
    ended = _ended(enrollment, event, "failed")
    if not event.given_back:
        return ended
    return replace(ended, action=replace(_action(ended), tries_left=_action(ended).tries_left + 1))


def attempt_unknown(enrollment: Enrollment, event: j.AttemptUnknown) -> Enrollment:
    """The action is tried again, or its provider is asked, when the event says when."""
    ended = _ended(enrollment, event, "unknown")
    action = replace(_action(ended), answered=event.answered)
    timer = ended.timer if event.ask_at_ms is None else Timer("ask", event.ask_at_ms)
    return replace(ended, action=action, timer=timer)


def _ended(enrollment: Enrollment, event: j.AttemptFailed | j.AttemptUnknown, status: str) -> Enrollment:
    again = event.retry_at_ms is not None
    action = replace(_action(enrollment), status="backoff" if again else status, code=event.code)
    timer = None if event.retry_at_ms is None else Timer("retry", event.retry_at_ms)
    return replace(enrollment, action=action, timer=timer)


def outcome_asked(enrollment: Enrollment, event: j.OutcomeAsked) -> Enrollment:
    """An answer may come until the question's deadline."""
    action = replace(_action(enrollment), asked=event.question)
    return replace(enrollment, action=action, timer=Timer("deadline", event.deadline_ms))


def retry_due(enrollment: Enrollment, event: j.RetryDue) -> Enrollment:
    """The action waits for a slot again, since its back-off was over (which may be long ago: a back-off is no lateness)."""
    ready_at_ms = enrollment.timer.due_at_ms if enrollment.timer else event.at_ms
    action = replace(_action(enrollment), status="requested", ready_at_ms=ready_at_ms)
    return replace(enrollment, action=action, timer=None)


def _action(enrollment: Enrollment) -> PendingAction:
    assert enrollment.action is not None, f"enrollment {enrollment.id} has no action"
    return enrollment.action
