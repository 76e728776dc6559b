"""A contact event: a fact from outside, as the engine takes it in (already checked by `schemas`)."""

from typing import Any

import msgspec


class ContactEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about one contact. `time` is the sender's RFC 3339 text: data, never order."""

    contact_id: str
    source: str
    id: str
    type: str
    data: dict[str, Any]
    time: str | None = None
    causation_id: str | None = None
    """Set on an echo of a change that Headrace itself made (`causationid`)."""
    hops: int = 0
    command_id: str | None = None
    """Set when the event came through the API, whose caller may ask for its result."""
    fires: bool = True
    """False for input older than the very first start: it builds contacts and fires no triggers."""
