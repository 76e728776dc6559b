"""An attempt: one call of a provider, as the actor hands it to the dispatcher after its intent was journaled."""

from typing import Any

import msgspec

from domain.journal import AttemptStarted
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


def attempt_of(state: ContactState, event: AttemptStarted) -> Attempt:
    """The attempt whose intent is in the journal, with all that its call needs."""
    enrollment = state.enrollments[event.enrollment_id]
    action = enrollment.action
    assert action is not None
    return Attempt(
        action_key=action.key,
        attempt=event.attempt,
        enrollment_id=event.enrollment_id,
        contact_id=event.contact_id,
        step_id=action.step_id,
        step_type=action.step_type,
        channel=action.channel,
        request=action.request,
        contact=msgspec.to_builtins(state.contact),
        state=enrollment.state,
        start_by_ms=action.start_by_ms,
        deadline_ms=action.deadline_ms,
        secrets=action.secrets,
    )
