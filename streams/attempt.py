"""An attempt: one call of a provider, as the actor hands it to the dispatcher after its intent was journaled.

And an inquiry: a question to the provider, what became of such an attempt; it is journaled before it is put, too.
"""

from typing import Any

import msgspec

from domain.enrollment import Enrollment, PendingAction
from domain.journal import AttemptStarted, OutcomeAsked
from domain.secret_use import SecretUse
from domain.state import ContactState


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of an action. Times are the engine's, in milliseconds since the epoch."""

    action_key: str
    attempt: int
    enrollment_id: str
    contact_id: str
    step_id: str
    step_type: str
    channel: str
    request: dict[str, Any]
    """The rendered request, as `ActionRequested` holds it."""
    contact: dict[str, Any]
    state: dict[str, Any]
    start_by_ms: int
    """The provider is not called after this time."""
    deadline_ms: int
    """Without an outcome by then the engine takes it as unknown."""
    secrets: tuple[SecretUse, ...] = ()
    """Where secrets go in the request."""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """One question about an attempt whose outcome is unknown."""

    attempt: Attempt
    """The attempt; its `start_by_ms` and `deadline_ms` are the question's own."""
    number: int
    """1 for the first question about the attempt."""
    started_at_ms: int
    ended_at_ms: int
    """The attempt's call was made between these times."""
    not_ids: frozenset[str]
    """Messages that are known to be other attempts'."""


def attempt_of(state: ContactState, event: AttemptStarted) -> Attempt:
    """The attempt whose intent is in the journal, with all that its call needs."""
    enrollment = state.enrollments[event.enrollment_id]
    action = enrollment.action
    assert action is not None
    return _attempt(state, enrollment, action, start_by_ms=action.start_by_ms, deadline_ms=action.deadline_ms)


def inquiry_of(state: ContactState, event: OutcomeAsked) -> Inquiry | None:
    """The question that is in the journal; None when its enrollment ended in the same decision."""
    enrollment = state.enrollments.get(event.enrollment_id)
    action = enrollment.action if enrollment else None
    if enrollment is None or action is None or action.status != "unknown":
        return None
    outputs = [output for one in state.enrollments.values() for output in one.outputs.values()]
    known = {output["message_id"] for output in outputs if isinstance(output.get("message_id"), str)}
    return Inquiry(
        attempt=_attempt(state, enrollment, action, start_by_ms=event.deadline_ms, deadline_ms=event.deadline_ms),
        number=event.question,
        started_at_ms=action.started_at_ms,
        ended_at_ms=action.deadline_ms,
        not_ids=frozenset(known.union(action.rivals)),
    )


def _attempt(
    state: ContactState, enrollment: Enrollment, action: PendingAction, *, start_by_ms: int, deadline_ms: int
) -> Attempt:
    return Attempt(
        action_key=action.key,
        attempt=action.attempt,
        enrollment_id=enrollment.id,
        contact_id=state.contact.id,
        step_id=action.step_id,
        step_type=action.step_type,
        channel=action.channel,
        request=action.request,
        contact=msgspec.to_builtins(state.contact),
        state=enrollment.state,
        start_by_ms=start_by_ms,
        deadline_ms=deadline_ms,
        secrets=action.secrets,
    )
