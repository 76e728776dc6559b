"""The parts of a workflow and of a template document, as they are written."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from domain.definition import TemplateText
from domain.workflow import Retry
from schemas.definition.checking import Model, one_of, wrong
from schemas.definition.sending import FrequencyCapModel, RateLimitModel, SendWindowModel, StepCap, StepWindow
from schemas.definition.triggers import TriggerModel
from schemas.definition.values import Key, LiquidText, Name, Scalar, Span, StepId, Text

MAX_ATTEMPTS: Final = 100
MAX_BACKOFF_S: Final = 30 * 86_400
MAX_LATENESS_S: Final = 365 * 86_400
MAX_STEPS: Final = 1_000
MAX_TRIGGERS: Final = 100
REENTRY: Final = ("once", "after_exit", "always")
CHANNELS: Final = ("sms", "email")
ON_FAILURE: Final = ("incident", "continue", "exit")
"""What `on_failure` can be beside the id of a step."""
WHEN_LATE: Final = ("run", "skip", "exit")
WHEN_UNKNOWN: Final = ("never_twice", "retry")

_Backoff = Annotated[Span, Field(ge=0, le=MAX_BACKOFF_S)]
_MaxLateness = Annotated[Span, Field(ge=0, le=MAX_LATENESS_S)]
_WhenLate = Annotated[
    str,
    BeforeValidator(one_of("bad_value", "what becomes of a late step", lambda: WHEN_LATE)),
    WithJsonSchema({"enum": list(WHEN_LATE)}),
]
_WhenUnknown = Annotated[
    str,
    BeforeValidator(one_of("bad_value", "what becomes of an unknown outcome", lambda: WHEN_UNKNOWN)),
    WithJsonSchema({"enum": list(WHEN_UNKNOWN)}),
]


class RetryModel(Model):
    """How often and when an attempt is repeated: the pause doubles from `backoff` up to `max_backoff`.

    `jitter` is by how much of itself a pause gets longer, at most: 0.1 unless it is said. How much is not chance.
    """

    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    backoff: _Backoff | None = None
    max_backoff: _Backoff | None = None
    jitter: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "RetryModel":
        if self.backoff is not None and self.max_backoff is not None and self.max_backoff < self.backoff:
            message = (
                f"expected max_backoff to be at least the backoff ({self.backoff:g} s), found {self.max_backoff:g} s"
            )
            raise wrong("out_of_range", message, at="max_backoff")
        return self

    def over(self, base: Retry) -> Retry:
        """What is given here, and the rest of `base`."""
        backoff = base.backoff_ms if self.backoff is None else round(self.backoff * 1000)
        longest = max(base.max_backoff_ms, backoff) if self.max_backoff is None else round(self.max_backoff * 1000)
        jitter = base.jitter_permille if self.jitter is None else round(self.jitter * 1000)
        return Retry(self.max_attempts or base.max_attempts, min(backoff, longest), longest, jitter)


class DefaultsModel(Model):
    """What holds for every step that says nothing else."""

    retry: RetryModel | None = None
    on_failure: Text | None = None
    when_unknown: _WhenUnknown | None = None
    max_lateness: _MaxLateness | None = None
    when_late: _WhenLate | None = None


class StepModel(Model):
    """One step. Without `next` it goes on to the following one; `next: end` ends."""

    id: StepId
    name: Name | None = None
    type: str
    config: dict[str, Any] | None = None
    next: Text | None = None
    branches: dict[str, Text | None] | None = None
    retry: RetryModel | None = None
    on_failure: Text | None = None
    when_unknown: _WhenUnknown | None = None
    max_lateness: _MaxLateness | None = None
    when_late: _WhenLate | None = None
    send_window: StepWindow = None
    frequency_cap: StepCap = None


class WorkflowModel(Model):
    """A workflow. Its triggers and steps are checked one by one, by the models of their own."""

    PARTS: ClassVar = {"trigger": TriggerModel, "triggers": TriggerModel, "steps": StepModel}

    kind: Literal["workflow"] = "workflow"
    name: Name
    version: Scalar | None = None
    description: str | None = None
    trigger: dict[str, Any] | None = None
    triggers: Annotated[list[Any], Field(min_length=1, max_length=MAX_TRIGGERS)] | None = None
    reentry: Annotated[
        str,
        BeforeValidator(one_of("bad_value", "a rule of re-entry", lambda: REENTRY)),
        WithJsonSchema({"enum": list(REENTRY)}),
    ] = "once"
    defaults: DefaultsModel | None = None
    send_window: SendWindowModel | None = None
    frequency_cap: FrequencyCapModel | None = None
    rate_limit: RateLimitModel | None = None
    steps: Annotated[list[Any], Field(min_length=1, max_length=MAX_STEPS)]

    @model_validator(mode="after")
    def _triggers_once(self) -> "WorkflowModel":
        if self.trigger is not None and self.triggers is not None:
            message = "expected `trigger` or `triggers`, found both"
            raise wrong("conflicting_keys", message, "move the one under `trigger` into the list", at="triggers")
        if self.trigger is None and self.triggers is None:
            message = "expected the key 'trigger' in the workflow, found none"
            raise wrong(
                "missing_key", message, "for a workflow that is started by hand write `trigger: {type: manual}`"
            )
        return self


class TemplateModel(Model):
    """A named text: for an SMS a body; for an e-mail a subject and a body or HTML, or a SendGrid template's id."""

    kind: Literal["template"]
    name: Key
    channel: Annotated[
        str,
        BeforeValidator(one_of("bad_value", "a channel", lambda: CHANNELS)),
        WithJsonSchema({"enum": list(CHANNELS)}),
    ]
    subject: LiquidText | None = None
    body: LiquidText | None = None
    html: LiquidText | None = None
    sendgrid_template_id: Key | None = None

    @model_validator(mode="after")
    def _fits_its_channel(self) -> "TemplateModel":
        given = [name for name in ("subject", "html", "sendgrid_template_id") if getattr(self, name) is not None]
        if self.channel == "sms" and given:
            message = f"expected only a body in a template for sms, found '{given[0]}'"
            raise wrong("conflicting_keys", message, "delete it, or set `channel: email`", at=given[0])
        missing = self._missing()
        if missing:
            message = f"expected the key '{missing}' in a template for {self.channel}, found none"
            raise wrong("missing_key", message, f"add `{missing}: ...`")
        return self

    def _missing(self) -> str | None:
        if self.sendgrid_template_id is not None:
            return None
        if self.channel == "email" and self.subject is None:
            return "subject"
        return "body" if self.body is None and self.html is None else None

    def template(self) -> TemplateText:
        """The text as the catalogue keeps it."""
        return TemplateText(
            name=self.name,
            channel=self.channel,
            body=self.body or "",
            subject=self.subject,
            html=self.html,
            sendgrid_template_id=self.sendgrid_template_id,
        )
