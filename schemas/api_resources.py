"""What the HTTP API answers with, field by field (DESIGN 5.6, "Bodies" and "Small print")."""

from base64 import b64encode
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.api_bodies import (
    Channel,
    DeadLetterStatus,
    EnrollmentStatus,
    IncidentStatus,
    WorkflowStatus,
)


class Resource(BaseModel):
    """An answer: made from a row, of which it takes the fields that it names. Times are RFC 3339 in UTC."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Item = TypeVar("Item", bound=Resource)


class Page(Resource, Generic[Item]):
    """A part of a list; `next_cursor` leads to the part that follows, and is null on the last one."""

    items: list[Item]
    next_cursor: str | None = None


class Diagnostic(Resource):
    """One finding about a definition: where it is (line and column from 1), what is wrong, how to mend it."""

    code: str
    severity: Literal["error", "warning", "info"]
    path: str
    line: int
    column: int
    message: str
    hint: str = ""


class Problem(BaseModel):
    """Why a request was not done (RFC 9457). `code` is for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str


class DefinitionProblem(Problem):
    """Why a definition was refused."""

    diagnostics: list[Diagnostic]


class Workflow(Resource):
    """A workflow; `version` is its latest one."""

    id: UUID
    name: str
    status: WorkflowStatus
    version: int
    published_version: int | None
    diagnostics: list[Diagnostic]
    created_at: datetime
    updated_at: datetime


class Version(Resource):
    """One immutable version of a workflow."""

    version: int
    status: Literal["draft", "published", "retired"]
    created_at: datetime
    published_at: datetime | None
    diagnostics: list[Diagnostic]


class Template(Resource):
    """A named text."""

    name: str
    channel: Channel
    subject: str | None
    body: str
    html: str | None
    sendgrid_template_id: str | None
    updated_at: datetime


class VersionDetail(Version):
    """A version with its definition: `document` as it was understood, `source` as it was written."""

    workflow_id: UUID
    name: str
    format: Literal["json", "yaml"]
    document: dict[str, Any]
    source: str
    digest: str
    templates: dict[str, Any] = Field(description="The texts of the templates as they were when it was published.")


class Enrollment(Resource):
    """One contact's run through one version."""

    id: UUID
    workflow_id: UUID
    version: int
    contact_id: str
    status: EnrollmentStatus
    current_step: str | None
    state: dict[str, Any]
    next_action_at: datetime | None
    enrolled_at: datetime
    completed_at: datetime | None
    exit_reason: str | None


class Execution(Resource):
    """One visit of a step. The due time of a wait stands in `output_data.delay_until`."""

    id: UUID
    enrollment_id: UUID
    step_id: str
    step_type: str
    status: Literal["pending", "running", "completed", "failed", "skipped"]
    input_data: dict[str, Any]
    output_data: dict[str, Any]
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    visit: int
    attempts: int


class Contact(Resource):
    """What is known of a contact."""

    id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    source: str | None
    timezone: str | None
    tags: list[str]
    custom_fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class TimelineItem(Resource):
    """One thing that happened with a contact, in the journal's order."""

    at: datetime
    seq: int
    type: str
    summary: str
    data: dict[str, Any]


class Incident(Resource):
    """Work that stopped and needs a person."""

    id: UUID
    enrollment_id: UUID | None
    contact_id: str | None
    workflow_id: UUID | None
    step_id: str | None
    code: str
    message: str
    status: IncidentStatus
    opened_at: datetime
    resolved_at: datetime | None


class DeadLetter(Resource):
    """A record that could not be read: where it stood, and its bytes. `value` is null when they are no UTF-8 text."""

    id: str
    reason: str
    message: str
    topic: str
    partition: int | None
    offset: int | None
    key: str | None
    value: str | None
    value_base64: str | None
    headers: dict[str, Any]
    at: datetime
    status: DeadLetterStatus
    replayed_at: datetime | None
    replayed_by: UUID | None = Field(description="The command of the replay; `GET /commands/{id}` tells its result.")

    @model_validator(mode="before")
    @classmethod
    def _show_bytes(cls, row: dict[str, Any]) -> dict[str, Any]:
        key, value = row["key"], row["value"]
        return row | {
            "key": None if key is None else key.decode(errors="replace"),
            "value": None if value is None else _text(value),
            "value_base64": None if value is None else b64encode(value).decode(),
        }


class Replay(DeadLetter):
    """A dead letter that was replayed, and what the engine made of its record."""

    command_id: UUID
    result: Literal["accepted", "duplicate"]


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


class EventResult(Resource):
    """Whether the engine took a contact event in."""

    command_id: UUID
    result: Literal["accepted", "duplicate"]


class Pending(Resource):
    """The wish stands in the log and its result is not known yet: ask at `Location`."""

    command_id: UUID
    workflow_id: UUID | None = Field(default=None, description="Of a new workflow: the id that it will have.")


class CommandStatus(Resource):
    """What became of a command."""

    command_id: UUID
    status: Literal["pending", "accepted", "duplicate", "rejected"]
    command_type: str | None = None
    code: str | None = None
    reason: str | None = None
    contact_id: str | None = None
    workflow_id: UUID | None = None
    enrollment_id: UUID | None = None
    version: int | None = None
    at: datetime | None = None


class Health(Resource):
    """Whether this process lives, or can serve."""

    status: str
    database: str | None = None
    log: str | None = None
    lag: int | None = Field(default=None, description="Journal records that the read side has not shown yet.")


class JournalItem(Resource):
    """A journal event and where it stands. Without `personal`, what may quote the contact is left out."""

    partition: int
    offset: int
    event: dict[str, Any]


class JournalPage(Resource):
    """A part of the journal; it may be empty and yet lead on."""

    partitions: int = Field(description="How many the journal has.")
    partition: int
    items: list[JournalItem]
    next_offset: int | None = Field(description="Where the next part begins; null when there is no more for now.")
    end_offset: int
