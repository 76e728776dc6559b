"""A workflow test: what happened to a contact, in times relative to its start, and the path that it must lead to."""

from typing import Any

import msgspec

from domain.contact import Contact
from domain.path import Path


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact event at a time."""

    at_ms: int
    type: str
    data: dict[str, Any]
    source: str = "test"
    time: str | None = None
    """What the sender said; None: the very time at which it happens."""
    hops: int = 0


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An operator's command at a time: `enroll`, `pause`, `resume`, `cancel`, `retry` or `repair`."""

    at_ms: int
    what: str
    how: str = ""
    """Of `retry`: `again`, `succeeded` or `skip`; of `repair`: `run`, `skip` or `exit`; of `cancel`: its reason."""
    step: str = ""
    """Of `repair`: the step that it settles."""
    visit: int = 1


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """From this time on an address is not written to on a channel, or may be again."""

    at_ms: int = 0
    channel: str
    address: str
    allowed: bool = False
    reason: str = "opted_out"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's callback said of a message, at a time."""

    at_ms: int
    step: str
    visit: int = 1
    channel: str
    status: str
    code: str | None = None


Happening = Fact | Wish | Consent | Delivery


class AttemptOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider answered to an attempt, so long after it began. `open`: nothing, as long as the test lasts.

    An attempt that no outcome is given for is taken to succeed at once.
    """

    step: str
    visit: int = 1
    attempt: int = 1
    after_ms: int = 0
    outcome: str = "succeeded"
    code: str | None = None
    message: str | None = None
    retry_after_ms: int | None = None
    """Set when the attempt is repeated: so long after it failed at least."""
    provider_id: str | None = None
    output: dict[str, Any] = {}
    state: dict[str, Any] | None = None


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """A wait ended, or an attempt could begin, so much later than it was due (pauses and back-offs are no lateness).

    An attempt that a repair made due anew may be late once more: it has one of these for each time, in order.
    """

    step: str
    visit: int = 1
    attempt: int = 1
    """Which attempt could begin; of a wait that ended it is 1."""
    late_ms: int
    held: bool = False
    """The engine was told to hold what is so late (unless its definition has a rule): that is no part of a definition."""


class WorkflowTest(msgspec.Struct, frozen=True, kw_only=True):
    """Given a contact at a time; when this happens; then the workflow must lead it on this path."""

    name: str
    workflow_id: str
    """The arm of an A/B split depends on it, as on the contact's id."""
    version: int
    starts_at_ms: int
    """What all other times are relative to: when the first thing happens."""
    lasts_ms: int
    """How long the contact is watched."""
    contact: Contact
    """As it was just before."""
    last_sms_reply: str | None = None
    """Its newest SMS before."""
    enrolled_before: int = 0
    """How often it was in the workflow before."""
    opted_out: tuple[Consent, ...] = ()
    """Addresses that were not written to before."""
    phone_region: str | None = None
    """The country (ISO 3166) of phone numbers that name none."""
    happens: tuple[Happening, ...]
    outcomes: tuple[AttemptOutcome, ...] = ()
    late: tuple[Lateness, ...] = ()
    expects: Path
