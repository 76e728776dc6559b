"""Commands: the wishes of an operator or of the API about one contact, and outcomes reported from elsewhere."""

from typing import Any

import msgspec

from domain.contact_event import ContactEvent


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every command has; `command_id` derives from the caller's `Idempotency-Key`."""

    command_id: str
    contact_id: str


class EnrollContact(Command, frozen=True, kw_only=True, omit_defaults=True, tag="enroll_contact"):
    """Enrol the contact by hand in the published version; re-entry rules hold."""

    workflow_id: str


class CancelEnrollment(Command, frozen=True, kw_only=True, omit_defaults=True, tag="cancel_enrollment"):
    """End an enrollment now."""

    enrollment_id: str
    reason: str = "operator"


class PauseEnrollment(Command, frozen=True, kw_only=True, omit_defaults=True, tag="pause_enrollment"):
    """Let an enrollment stand still."""

    enrollment_id: str


class ResumeEnrollment(Command, frozen=True, kw_only=True, omit_defaults=True, tag="resume_enrollment"):
    """Let a paused enrollment go on; its timers shift by the time it stood still."""

    enrollment_id: str


class RetryEnrollment(Command, frozen=True, kw_only=True, omit_defaults=True, tag="retry_enrollment"):
    """Settle a failed enrollment's incident: `again`, `succeeded` or `skip`."""

    enrollment_id: str
    how: str = "again"


class RepairEnrollment(Command, frozen=True, kw_only=True, omit_defaults=True, tag="repair_enrollment"):
    """Settle what is late or failed at one visit of a step: `run` it now, `skip` it, or `exit`; by whom, and why."""

    enrollment_id: str
    step_id: str
    visit: int
    how: str
    by: str = "operator"
    note: str = ""


class ReportOutcome(Command, frozen=True, kw_only=True, omit_defaults=True, tag="report_outcome"):
    """The outcome of an attempt: `succeeded`, `failed` or `unknown` (from the dispatcher or another process)."""

    enrollment_id: str
    action_key: str
    attempt: int
    outcome: str
    question: int = 0
    """Which question about the attempt this answers; 0: it is what the attempt itself came to."""
    code: str | None = None
    message: str | None = None
    retryable: bool = False
    given_back: bool = False
    """Whether a failure uses up none of the step's attempts: its channel was paused, or the call never began."""
    retry_after_ms: int | None = None
    provider_id: str | None = None
    output: dict[str, Any] = {}
    state: dict[str, Any] | None = None


class ReportDelivery(Command, frozen=True, kw_only=True, omit_defaults=True, tag="report_delivery"):
    """What a provider's callback says of a message; `command_id` derives from the callback, so a repeated one counts once."""

    enrollment_id: str
    step_id: str
    visit: int
    action_key: str
    channel: str
    status: str
    recipient: str = ""
    provider_id: str | None = None
    code: str | None = None
    occurred_at_ms: int | None = None
    price: str | None = None


class ChangeConsent(Command, frozen=True, kw_only=True, omit_defaults=True, tag="change_consent"):
    """Write to an address on a channel no more, or again."""

    channel: str
    address: str
    allowed: bool
    reason: str


class RekeyedContactEvent(Command, frozen=True, kw_only=True, omit_defaults=True, tag="rekeyed_contact_event"):
    """A contact event that stood on another partition than its contact's home; it keeps its identity.

    `command_id` names the record that it was found in: this is the engine's own note and has no result.
    """

    event: ContactEvent


AnyCommand = (
    EnrollContact
    | CancelEnrollment
    | PauseEnrollment
    | ResumeEnrollment
    | RetryEnrollment
    | RepairEnrollment
    | ReportOutcome
    | ReportDelivery
    | ChangeConsent
    | RekeyedContactEvent
)
