"""What callers of the HTTP API send: request bodies and query strings, checked field by field."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.enrollment import TRANSITIONS

MAX_CONTACT_ID = 128
"""Characters of a contact id, at most (DESIGN 5.3)."""

EnrollmentStatus = Literal["active", "paused", "completed", "exited", "cancelled", "failed"]
WorkflowStatus = Literal["draft", "active", "paused", "archived"]
IncidentStatus = Literal["open", "resolved"]
DeadLetterStatus = Literal["open", "replayed"]
Channel = Literal["sms", "email"]
LedgerOutcome = Literal["requested", "running", "waiting", "succeeded", "failed", "unknown", "skipped", "cancelled"]

assert set(EnrollmentStatus.__args__) == set(TRANSITIONS)  # type: ignore[attr-defined]


def without_nul(text: str) -> str:
    """The text itself, unless no database text can keep it."""
    if "\0" in text:
        message = "must not hold the NUL character, which no database text can keep"
        raise ValueError(message)
    return text


Text = Annotated[str, AfterValidator(without_nul)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(without_nul)]
ContactId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTACT_ID), AfterValidator(without_nul)]


class Body(BaseModel):
    """A request body: unknown keys and other types are refused, so that a slip of the pen is noticed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PublishBody(Body):
    """Which version to make the live one, and what becomes of contacts in flight."""

    version: int | None = Field(default=None, ge=1, description="The version; by default the latest.")
    in_flight: Literal["pin", "migrate", "drain", "cancel"] = Field(
        default="pin",
        description="`pin`: contacts finish on their version. `migrate`: they move to the step of the same id. "
        "`drain`: pin, and report when none is left. `cancel`: their enrollments end.",
    )
    accept: list[Literal["dangling_next"]] = Field(
        default=[], description="Errors to publish in spite of: a step whose target is missing ends there."
    )


class EnrollBody(Body):
    """Who is to be enrolled."""

    contact_id: ContactId


class CancelBody(Body):
    """Why an enrollment is ended."""

    reason: Name = "operator"


class RetryBody(Body):
    """How a failed step is settled."""

    how: Literal["again", "succeeded", "skip"] = Field(
        default="again",
        alias="as",
        description="`again`: do the step again. `succeeded`: take it as done. `skip`: go on without it.",
    )


class ContactEventBody(Body):
    """A fact about a contact, as DESIGN 5.1 lists them; `schemas.contact_event` has the rules of each field."""

    type: str = Field(description="`contact.created`, `contact.tag_added` ..., or any name of your own.")
    data: dict[str, Any] = Field(default={}, description="What the type asks for.")
    id: str | None = Field(default=None, description="The sender's id of the event: one seen before is a duplicate.")
    source: str | None = Field(default=None, description="Who says so (`api`); ids are unique within a source.")
    time: str | None = Field(default=None, description="When it happened, in the sender's view (RFC 3339).")


class JobBody(Body):
    """What a job is asked for: each kind has fields of its own, and refuses those that it does not know."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class ConsentBody(Body):
    """Whether a contact may be written to on a channel."""

    channel: Channel
    allowed: bool
    address: Name | None = Field(default=None, description="The phone number or e-mail address; else the contact's.")


class AddressConsent(Body):
    """Whether an address may be written to, whoever has it."""

    channel: Channel
    address: Name
    allowed: bool = False
    reason: Literal["opted_out", "bounced", "spam_reported"] = Field(
        default="opted_out", description="Why it is not written to."
    )


class ConsentsBody(Body):
    """Addresses that are not written to (or may be again), as another system knows them."""

    items: Annotated[list[AddressConsent], Field(min_length=1, max_length=1_000)]


class ReplayBody(Body):
    """What to replay in the place of the value that could not be read."""

    value: str | dict[str, Any] | None = Field(
        default=None, description="The corrected value: a text as it is, or an object as JSON. By default the old one."
    )


class InlineContact(Body):
    """A contact that exists in this request only."""

    id: ContactId = "inline"
    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    source: Text | None = None
    timezone: Text | None = None
    tags: list[Text] = []
    custom_fields: dict[str, Any] = {}
    last_sms_reply: Text | None = Field(default=None, description="The newest SMS of the contact, ever.")


class AssumedEventBody(Body):
    """What comes when the contact waits for an event: a contact event, or a `delivery` with `step` and `status`."""

    type: str = Field(description="As a contact event's, or `delivery`.")
    data: dict[str, Any] = Field(default={}, description="What the type asks for.")


class DryRunBody(Body):
    """With whom, and after which event, to walk through the workflow."""

    contact: InlineContact | None = Field(default=None, description="Instead of `contact_id`.")
    event: dict[str, Any] | None = Field(
        default=None, description="The triggering event that `event.` reads: `{type, data, id?, source?, time?}`."
    )
    events: list[AssumedEventBody] = Field(
        default=[],
        max_length=100,
        description="What comes, one after the other, as soon as the contact waits for an event. Without any it takes the time-out.",
    )


class NoBody(Body):
    """Nothing is needed; `{}` is fine."""


class NoQuery(BaseModel):
    """No query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


At = Annotated[
    str | None,
    Field(
        default=None,
        description="As of this moment: RFC 3339, or a date (its first instant, UTC). By default now.",
        examples=["2026-05-01T08:00:00Z"],
    ),
]


class AsOfQuery(NoQuery):
    """As of when."""

    at: At


class WhyQuery(AsOfQuery):
    """What is to be explained: one of `workflow_id` and `enrollment_id` is needed."""

    workflow_id: UUID | None = Field(default=None, description="Why the contact was enrolled in it, or not.")
    enrollment_id: UUID | None = Field(default=None, description="Why this enrollment went as it did.")
    step_id: Text | None = Field(default=None, description="Why this step was done, or what stopped it.")


class PageQuery(NoQuery):
    """Which page of a list."""

    limit: int = Field(default=50, ge=1, le=500, description="Items of a page, at most.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before; opaque.")


class WorkflowsQuery(PageQuery):
    """Which workflows."""

    status: WorkflowStatus | None = None


class EnrollmentsQuery(PageQuery):
    """Which enrollments of a workflow."""

    status: EnrollmentStatus | None = None


class ExecutionsQuery(PageQuery):
    """Which executions of an enrollment."""

    at: At


class TimelineQuery(PageQuery):
    """Which way to read a timeline, and up to when."""

    at: At

    order: Literal["asc", "desc"] = Field(default="asc", description="`asc`: the oldest first.")


class IncidentsQuery(PageQuery):
    """Which incidents."""

    status: IncidentStatus | None = None


class LedgerQuery(PageQuery):
    """Which intents."""

    contact_id: Text | None = None
    workflow_id: UUID | None = None
    enrollment_id: UUID | None = None
    channel: Text | None = Field(default=None, description="`sms`, `email`, `http`, or a plug-in's.")
    outcome: LedgerOutcome | None = None
    provider_id: Text | None = Field(default=None, description="The id that the provider gave it.")


class TwilioStatusQuery(NoQuery):
    """What our own callback address says of the message."""

    action_key: Text
    contact: Text | None = None


class DeadLettersQuery(PageQuery):
    """Which dead letters."""

    status: DeadLetterStatus | None = None
    reason: Text | None = Field(default=None, description="The short code that they have as their reason.")


class JournalPageQuery(NoQuery):
    """Which part of the journal."""

    partition: int | None = Field(default=None, ge=0, description="By default 0, or the contact's own.")
    contact_id: Annotated[str, Field(min_length=1, json_schema_extra={"maxLength": MAX_CONTACT_ID})] | None = Field(
        default=None, description="Only the events of this contact."
    )
    offset: int | None = Field(default=None, ge=0, le=2**62, description="Where to begin: `next_offset` of a page.")
    since: AwareDatetime | None = Field(default=None, description="Where to begin without an offset (RFC 3339).")
    until: AwareDatetime | None = Field(default=None, description="Only events before this time.")
    limit: int = Field(default=500, ge=1, le=5_000, description="Events of a page, at most.")
    personal: bool = Field(default=False, description="With the events' personal part.")


class CreateWorkflowQuery(NoQuery):
    """Whether the new workflow goes live at once."""

    publish: bool = Field(default=False, description="Publish it, if it has no error.")


class ExportQuery(NoQuery):
    """What to export."""

    format: Literal["json", "yaml"] = "json"
    version: int | None = Field(default=None, ge=1, description="By default the published one, else the latest.")


class DryRunQuery(NoQuery):
    """With whom, and which version."""

    contact_id: Annotated[str, Field(min_length=1, json_schema_extra={"maxLength": MAX_CONTACT_ID})] | None = None
    version: int | None = Field(default=None, ge=1, description="By default the published one, else the latest.")
