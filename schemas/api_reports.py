"""What the HTTP API works out for its answers: a workflow in numbers, and the dry run."""

from datetime import datetime
from typing import Any
from uuid import UUID

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
