"""Events about the attempts of an action: the intent to call a provider, and what became of it."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain import journal as j
from domain.enrollment import Enrollment, PendingAction, Timer


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
        code=None,
    )
    return replace(enrollment, action=started, timer=Timer("deadline", event.deadline_ms))


def attempt_succeeded(enrollment: Enrollment, event: j.AttemptSucceeded) -> Enrollment:
    """The action is settled; a plug-in may have returned a new state."""
    state = enrollment.state if event.personal.state is None else event.personal.state
    return replace(enrollment, action=None, timer=None, state=state)


def attempt_ended(status: str) -> Callable[[Enrollment, Any], Enrollment]:
    """The attempt failed or is unknown; the action is tried again when the event says when."""

    def end(enrollment: Enrollment, event: j.AttemptFailed | j.AttemptUnknown) -> Enrollment:
        again = event.retry_at_ms is not None
        action = replace(_action(enrollment), status="backoff" if again else status, code=event.code)
        timer = None if event.retry_at_ms is None else Timer("retry", event.retry_at_ms)
        return replace(enrollment, action=action, timer=timer)

    return end


def retry_due(enrollment: Enrollment, event: j.RetryDue) -> Enrollment:
    """The action waits for a slot again, since its back-off was over (which may be long ago: a back-off is no lateness)."""
    ready_at_ms = enrollment.timer.due_at_ms if enrollment.timer else event.at_ms
    action = replace(_action(enrollment), status="requested", ready_at_ms=ready_at_ms)
    return replace(enrollment, action=action, timer=None)


def _action(enrollment: Enrollment) -> PendingAction:
    assert enrollment.action is not None, f"enrollment {enrollment.id} has no action"
    return enrollment.action
