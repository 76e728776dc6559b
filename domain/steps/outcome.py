"""What entering a step comes to: done, a wait for a time or an event, an action for a provider, or leaving the workflow."""

from typing import Any

import msgspec

from domain.secret_use import SecretUse


class Change(msgspec.Struct, frozen=True):
    """A change of the contact, in the shape of a contact event."""

    type: str
    data: dict[str, Any]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The step is done at once. `branch` chooses among the step's branches."""

    input: dict[str, Any] = {}
    output: dict[str, Any] = {}
    branch: str | None = None
    changes: tuple[Change, ...] = ()


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """The step waits until a time (milliseconds since the epoch)."""

    due_at_ms: int
    input: dict[str, Any] = {}


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """The step waits for an event, until a time if one is given."""

    due_at_ms: int | None = None
    input: dict[str, Any] = {}


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The step asks a provider for something, over `channel`."""

    channel: str
    request: dict[str, Any]
    secrets: tuple[SecretUse, ...] = ()
    """Where secrets go in the request, which holds references to them."""


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """The enrollment leaves the workflow here."""

    reason: str


Outcome = Done | Wait | Listen | Ask | Leave
