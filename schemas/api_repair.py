"""What the HTTP API tells of what is stuck or late, and what it takes to repair it."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.repairing import HOWS
from domain.stuck import REASONS
from schemas.api_bodies import Body, Name, PageQuery, Text, without_nul
from schemas.api_resources import Resource

MAX_LATE_SECONDS: Final = 10 * 365 * 86_400
How = Literal["run", "skip", "exit"]
LateKind = Literal["wait", "retry", "action", "held", "paused", "failed"]
Note = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(without_nul)]

assert set(How.__args__) == set(HOWS)  # type: ignore[attr-defined]


class RepairBody(Body):
    """How a late or failed step is settled, at which visit, by whom, and why."""

    how: How = Field(
        alias="as", description="`run`: now, whatever its definition says. `skip`: go on without it. `exit`: leave."
    )
    step_id: Name = Field(description="Where the enrollment is expected to stand; elsewhere it is left alone.")
    visit: int = Field(default=1, ge=1, description="Which visit of the step.")
    by: Name = Field(default="operator", description="Who says so; the journal keeps it.")
    note: Note = Field(default="", description="Why; the journal keeps it.")


class LateQuery(PageQuery):
    """What is late."""

    workflow_id: UUID | None = None
    step_id: Text | None = None
    late_seconds: float = Field(
        default=60, ge=0, le=MAX_LATE_SECONDS, description="By so much at least, in the engine's time."
    )


class Late(Resource):
    """An enrollment whose step is late, or failed in a way that another attempt may mend."""

    kind: LateKind = Field(
        description="`wait`: a delay's time has come. `retry`: a back-off's has. `action`: it waits for its attempt. "
        "`held`: it is too late to run by itself. `paused`: it was late when it was paused. `failed`: its provider "
        "was to blame."
    )
    due_at: datetime = Field(description="When it should have gone on; of a failed one, when it failed.")
    late_seconds: float
    enrollment_id: UUID
    contact_id: str
    workflow_id: UUID
    workflow_name: str
    version: int
    step_id: str
    step_type: str
    visit: int
    rule: How | None = Field(
        default=None, description="What its definition says becomes of it when it is so late; null: nothing."
    )
    error_message: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_row(cls, row: dict[str, Any]) -> dict[str, Any]:
        late = row["late_at"] - row["due_at"]
        return row | {"enrollment_id": row["id"], "late_seconds": max(0.0, late.total_seconds())}


class Stuck(Resource):
    """Something that does not move: an enrollment, a partition, the read side or the log."""

    kind: Literal["enrollment", "partition", "read side", "log"]
    reason: str = Field(description=f"One of: {', '.join(REASONS)}.")
    message: str
    mend: str
    since: datetime | None
    enrollment_id: UUID | None = None
    contact_id: str | None = None
    workflow_id: UUID | None = None
    workflow_name: str | None = None
    step_id: str | None = None
    partition: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_row(cls, row: dict[str, Any]) -> dict[str, Any]:
        """An enrollment's row tells the reason alone; its words are the table's."""
        if "message" in row:
            return row
        reason = REASONS[row["reason"]]
        return row | {"kind": reason.kind, "message": reason.words, "mend": reason.mend, "enrollment_id": row["id"]}
