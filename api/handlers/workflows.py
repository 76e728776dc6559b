"""Reading workflows and their versions."""

from collections import defaultdict
from typing import Any

import msgspec
from aiohttp import web

from api.database import fetch_all
from api.finding import find_version, find_workflow
from api.listing import respond_page
from api.listings import VERSIONS, WORKFLOWS
from api.requests import path_number, path_uuid
from api.responses import respond
from api.services import SERVICES
from schemas.api_bodies import PageQuery, WorkflowsQuery
from schemas.api_reports import EnrollmentStats, Stats, StepStats
from schemas.api_resources import VersionDetail, Workflow


async def list_workflows(request: web.Request, query: WorkflowsQuery) -> web.Response:
    """All workflows, the newest first."""
    return await respond_page(request, WORKFLOWS, query, {"status": query.status})


async def get_workflow(request: web.Request) -> web.Response:
    """One workflow."""
    row = await find_workflow(request.app[SERVICES].database, path_uuid(request, "workflow_id"))
    return respond(Workflow.model_validate(row))


async def list_versions(request: web.Request, query: PageQuery) -> web.Response:
    """A workflow's versions, the newest first."""
    workflow_id = path_uuid(request, "workflow_id")
    await find_workflow(request.app[SERVICES].database, workflow_id)
    return await respond_page(request, VERSIONS, query, {"workflow_id": workflow_id})


async def get_version(request: web.Request) -> web.Response:
    """One version with its definition."""
    workflow_id, version = path_uuid(request, "workflow_id"), path_number(request, "version")
    row = await find_version(request.app[SERVICES].database, workflow_id, version)
    return respond(VersionDetail.model_validate(row | {"document": msgspec.json.decode(row["document"])}))


async def get_stats(request: web.Request) -> web.Response:
    """A workflow in numbers: its enrollments and its steps' executions by status."""
    database = request.app[SERVICES].database
    workflow_id = path_uuid(request, "workflow_id")
    document = msgspec.json.decode((await find_version(database, workflow_id, None))["document"])
    enrollments = await fetch_all(database, "enrollment_counts", {"workflow_id": workflow_id})
    by_status = {row["status"]: row["count"] for row in enrollments}
    executions = await fetch_all(database, "step_counts", {"workflow_id": workflow_id})
    stats = Stats(
        workflow_id=workflow_id,
        enrollments=EnrollmentStats(total=sum(by_status.values()), **by_status),
        steps=_step_stats(document, executions),
    )
    return respond(stats)


def _step_stats(document: dict[str, Any], executions: Any) -> list[StepStats]:
    """Every step of the document in its order, then steps that only other versions have."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for step in document.get("steps", []):
        counts[step["id"], step["type"]] = {}
    for row in executions:
        counts[row["step_id"], row["step_type"]][row["status"]] = row["count"]
    return [StepStats(step_id=step_id, step_type=kind, **found) for (step_id, kind), found in counts.items()]
