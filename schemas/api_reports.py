"""What the HTTP API works out for its answers: a workflow in numbers, the dry run, and why."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from schemas.api_bodies import EnrollmentStatus
from schemas.api_resources import Resource


class StepStats(Resource):
    """How many visits of a step have which status."""

    step_id: str
    step_type: str
    pending: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0


class EnrollmentStats(Resource):
    """How many enrollments have which status."""

    total: int = 0
    active: int = 0
    paused: int = 0
    completed: int = 0
    exited: int = 0
    cancelled: int = 0
    failed: int = 0


class Stats(Resource):
    """A workflow in numbers, over all its versions; steps in the definition's order."""

    workflow_id: UUID
    enrollments: EnrollmentStats
    steps: list[StepStats]


class DryRunStep(Resource):
    """A step of a dry run: when it would be entered and what it would do."""

    step_id: str
    step_type: str
    at: datetime
    status: str
    input_data: dict[str, Any]
    output_data: dict[str, Any]
    next: str | None


class DryRun(Resource):
    """The path that a contact would take now. Nothing was sent and nothing was written."""

    workflow_id: UUID
    version: int
    contact_id: str
    enrolled: bool
    reason: str | None
    steps: list[DryRunStep]
    ends: str


# ---------------------------------------------------------------- why


class WhyConsidered(Resource):
    """An event that could have enrolled the contact, and what came of it; `conditions` are the operands as they were."""

    seq: int
    at: datetime
    event_type: str
    made_by_step: str | None = Field(description="The step whose change the event was; null for a fact from outside.")
    workflow_status: str = Field(
        description="Then: `unknown` (not there yet), `draft`, `active`, `paused`, `archived`."
    )
    version: int | None = Field(description="The version that was live then.")
    trigger_type: str
    trigger_index: int
    trigger_config: dict[str, Any]
    reentry: str
    conditions: list[dict[str, Any]] = Field(description="`field`, `operator`, `value`, `actual`, `result`.")
    enrolled: bool
    reason: str = Field(
        description="`enrolled`; as recorded: `paused`, `reentry`, `hop_limit`, `rate_guard`; else `conditions`, "
        "`condition_error`, `filter`, `no_change`, `echo`, `before_start`, `unknown`, `draft`, `archived`, `unexplained`."
    )
    recomputed: bool = Field(description="False: reason and conditions stand in the journal. True: worked out anew.")
    conditions_recomputed: bool
    enrollment_id: UUID | None
    words: str


class WhyAttempt(Resource):
    """One call of a provider, with the provider's words."""

    number: int
    started_at: datetime
    deadline: datetime
    outcome: Literal["open", "succeeded", "failed", "unknown"]
    at: datetime | None
    code: str | None
    message: str | None
    provider_id: str | None
    output: dict[str, Any]
    retry_at: datetime | None


class WhyDelivery(Resource):
    """What a provider said later of a message that it had taken."""

    at: datetime
    status: str
    code: str | None
    price: str | None


class WhySend(Resource):
    """What a step asked a provider for: the intent, and each attempt."""

    channel: str
    action_key: str
    request: dict[str, Any]
    requested_at: datetime
    tries: int
    attempts: list[WhyAttempt]
    deliveries: list[WhyDelivery]
    outcome: Literal["requested", "open", "succeeded", "failed", "unknown"]


class WhyArm(Resource):
    """The arm of an A/B split, and the weights by which arms were given out."""

    path: str
    weights: dict[str, float]


class WhyMissed(Resource):
    """An event like one that a step waited for, which did not end the wait, and why not (worked out anew)."""

    seq: int
    at: datetime
    event_type: str
    words: str


class WhyStep(Resource):
    """One visit of a step: what decided it, what it waited for or sent, and where it led."""

    seq: int
    step_id: str
    step_type: str
    visit: int
    status: Literal["pending", "running", "completed", "failed", "skipped"]
    entered_at: datetime
    done_at: datetime | None
    conditions: list[dict[str, Any]]
    branch: str | None
    arm: WhyArm | None
    due_at: datetime | None
    waits_for: list[str] = Field(description="What events a step waits for, in words.")
    received: dict[str, Any] | None = Field(description="The event that ended the wait.")
    missed: list[WhyMissed]
    send: WhySend | None
    changes: list[dict[str, Any]]
    code: str | None
    message: str | None
    next_step: str | None
    words: str


class WhyTurn(Resource):
    """What happened to an enrollment beside its steps, or to the contact."""

    seq: int
    at: datetime
    type: str
    words: str


class WhyEnrollment(Resource):
    """One enrollment: what started it, each step, how it stands."""

    id: UUID
    workflow_id: UUID
    version: int
    contact_id: str
    status: EnrollmentStatus
    current_step: str | None
    enrolled_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    cause_seq: int
    trigger_type: str
    trigger_index: int
    event: dict[str, Any] | None
    conditions: list[dict[str, Any]]
    hops: int
    steps: list[WhyStep]
    turns: list[WhyTurn]


class WhyStopped(Resource):
    """What became of the step that was asked about."""

    reason: str = Field(
        description="`done`, `under_way`, `failed`, `unknown`, `skipped`, `other_branch`, `waiting`, `incident`, `paused`, "
        "`cancelled`, `exited`, `completed`, `not_reached`, `no_such_step`, `not_enrolled`."
    )
    enrollment_id: UUID | None
    at_step: str | None
    words: str


class WhyWouldEnrol(Resource):
    """A trigger of the live version: what would enrol the contact."""

    trigger_type: str
    trigger_config: dict[str, Any]
    words: str


class Why(Resource):
    """The answer in one sentence, and the evidence."""

    answer: str
    contact_id: str
    workflow_id: UUID
    workflow_name: str
    at: datetime
    engine: str = Field(description="The version of Headrace that told it, and worked out what is `recomputed`.")
    workflow_status: str
    live_version: int | None
    reentry: str | None
    step_id: str | None
    stopped: WhyStopped | None
    considered: list[WhyConsidered]
    enrollments: list[WhyEnrollment]
    would_enrol: list[WhyWouldEnrol]
    notes: list[WhyTurn]
