"""An attempt: one call of a provider, as the actor hands it to the dispatcher after its intent was journaled."""

from typing import Any

import msgspec


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
