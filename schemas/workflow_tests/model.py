"""The parts of a workflow test's document, as they are written."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from domain.path import NOT_ENROLLED
from domain.phones import REGIONS
from domain.spans import read_span_ms
from domain.times import read_time_ms
from schemas.definition.checking import Model, describe, wrong

KIND: Final = "workflow_test"


def _span_ms(value: Any) -> int:
    found = read_span_ms(value) if isinstance(value, str) else None
    if found is None:
        message = f"expected a span of time, found {describe(value)}"
        raise wrong("bad_value", message, "write it as 0s, 1.5s, 20m, 4h or 1d 2h")
    return found


def _time_ms(value: Any) -> int:
    found = read_time_ms(value) if isinstance(value, str) else None
    if found is None:
        message = f"expected a time, found {describe(value)}"
        raise wrong("bad_value", message, 'write it as "2026-11-01T08:00:00Z"')
    return found


def _region(value: Any) -> str:
    if value not in REGIONS:
        message = f"expected a country's two letters (ISO 3166), found {describe(value)}"
        raise wrong("bad_value", message, "write it as DE or US")
    return str(value)


Region = Annotated[str, BeforeValidator(_region), WithJsonSchema({"type": "string"})]
Span = Annotated[int, BeforeValidator(_span_ms), WithJsonSchema({"type": "string"})]
Time = Annotated[int, BeforeValidator(_time_ms), WithJsonSchema({"type": "string", "format": "date-time"})]
Number = Annotated[int, Field(ge=1)]


class WorkflowModel(Model):
    """Which workflow and version was recorded."""

    id: str
    name: str
    version: Number = 1


class ConsentModel(Model):
    """An address that is not written to on a channel, or may be again."""

    channel: Literal["sms", "email"]
    address: str
    allowed: bool = False
    reason: str = "opted_out"


class DeliveryModel(Model):
    """What a provider's callback said of a message."""

    step: str
    visit: Number = 1
    channel: Literal["sms", "email"]
    status: str
    code: str | None = None


class GivenModel(Model):
    """The contact just before, and when the first thing happens."""

    time: Time
    contact: dict[str, Any]
    last_sms_reply: str | None = None
    opted_out: list[ConsentModel] = Field(default=[])
    enrolled_before: Annotated[int, Field(ge=0)] = 0
    phone_region: Region | None = None


class HappensModel(Model):
    """One of: a contact event, what an operator did, a change of consent, a callback about a message."""

    at: Span
    event: str | None = None
    data: dict[str, Any] = Field(default={})
    source: str = "test"
    time: str | None = None
    hops: Annotated[int, Field(ge=0)] = 0
    operator: Literal["enroll", "pause", "resume", "cancel", "retry", "repair"] | None = None
    how: str = Field("", alias="as")
    step: str | None = None
    visit: Number = 1
    consent: ConsentModel | None = None
    delivery: DeliveryModel | None = None


class OutcomeModel(Model):
    """What a provider answered to an attempt."""

    step: str
    visit: Number = 1
    attempt: Number = 1
    after: Span = 0
    outcome: Literal["succeeded", "failed", "unknown", "open"] = "succeeded"
    code: str | None = None
    message: str | None = None
    again_after: Span | None = None
    provider_id: str | None = None
    output: dict[str, Any] = Field(default={})
    state: dict[str, Any] | None = None


class LateModel(Model):
    """A wait that ended, or an attempt that could begin, later than it was due."""

    step: str
    visit: Number = 1
    attempt: Annotated[int, Field(ge=0)] = 1
    """0: the end of a hold, before there was any."""
    by: Span
    held: bool = False


class ChangeModel(Model):
    """A change of the contact."""

    type: str
    data: dict[str, Any] = Field(default={})


class VisitModel(Model):
    """One visit of a step, as it must come."""

    step: str
    visit: Number = 1
    did: Literal["completed", "skipped", "failed", "waiting"] = "completed"
    branch: str | None = None
    sends: dict[str, Any] | None = None
    waits: Span | None = None
    changes: list[ChangeModel] = Field(default=[])
    code: str | None = None


class ExpectsModel(Model):
    """The path that must come."""

    enrolled: str | None = None
    steps: list[VisitModel] = Field(default=[])
    ends: Literal["completed", "exited", "cancelled", "failed", "paused", "held", "waiting", "not_enrolled"] = (
        NOT_ENROLLED
    )


class TemplateModel(Model):
    """A text as it was pinned."""

    name: str
    channel: str
    body: str = ""
    subject: str | None = None
    html: str | None = None
    sendgrid_template_id: str | None = None


class WorkflowTestModel(Model):
    """The whole document. `definition` is the recorded one, or the path of a file beside the test."""

    kind: Literal["workflow_test"]
    name: str
    workflow: WorkflowModel
    given: GivenModel
    lasts: Span
    when: list[HappensModel]
    outcomes: list[OutcomeModel] = Field(default=[])
    late: list[LateModel] = Field(default=[])
    then: ExpectsModel
    definition: str | dict[str, Any]
    templates: list[TemplateModel] = Field(default=[])
