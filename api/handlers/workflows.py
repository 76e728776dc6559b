"""Reading workflows and their versions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from api.database import Row, fetch_all
from api.finding import find_version, find_workflow
from api.listing import respond_page
from api.listings import VERSIONS, WORKFLOWS
from api.moment import moment_of
from api.past import definitions_of, indexed, not_yet, unreadable
from api.requests import path_number, path_uuid
from api.responses import respond
from api.services import SERVICES, Services
from domain.errors import HeadraceError
from domain.partition import home_partition
from domain.times import format_time
from projections.past.funnel import Funnel, funnel
from projections.past.rows import moment
from schemas.api_bodies import AsOfQuery, PageQuery, WorkflowsQuery
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


async def get_stats(request: web.Request, query: AsOfQuery) -> web.Response:
    """A workflow in numbers, now or at a moment: its enrollments and its steps' executions by status."""
    database = request.app[SERVICES].database
    at_ms = moment_of(request, query.at)
    workflow_id = path_uuid(request, "workflow_id")
    if at_ms is not None:
        return respond(await _stats_as_of(request, workflow_id, at_ms))
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


async def _stats_as_of(request: web.Request, workflow_id: UUID, at_ms: int) -> Stats:
    """The numbers as they were: what stands as it stood is counted on the read side, the rest is folded from the journal."""
    services = request.app[SERVICES]
    workflow = await find_workflow(services.database, workflow_id)
    if workflow["created_at"] > moment(at_ms):
        raise not_yet(f"workflow {workflow_id} was not there", "there", workflow["created_at"], at_ms)
    entry = (await definitions_of(request, str(workflow_id))).at(at_ms).entries.get(str(workflow_id))
    document = entry.versions[entry.published or entry.latest].document if entry else {}
    rows = await fetch_all(services.database, "counts_as_of", {"workflow_id": workflow_id, "at": format_time(at_ms)})
    found = await _folded(services, [row for row in rows if row["kind"] == "moved"])
    found.enrollments.update({row["status"]: row["count"] for row in rows if row["kind"] == "enrollments"})
    found.steps.update(
        {(row["step_id"], row["step_type"], row["status"]): row["count"] for row in rows if row["kind"] == "steps"}
    )
    steps = [
        {"step_id": step_id, "step_type": kind, "status": status, "count": count}
        for (step_id, kind, status), count in sorted(found.steps.items())
    ]
    return Stats(
        workflow_id=workflow_id,
        enrollments=EnrollmentStats(total=found.enrollments.total(), **found.enrollments),
        steps=_step_stats(document, steps),
    )


async def _folded(services: Services, moved: Sequence[Row]) -> Funnel:
    places: dict[int, dict[str, list[int]]] = {}
    for row in moved:
        of_partition = places.setdefault(home_partition(row["contact_id"], services.partitions), {})
        of_partition[row["id"]] = indexed(row["offsets"])
    try:
        return await funnel(services.commands, places)
    except (OSError, HeadraceError) as error:
        raise unreadable(error) from error


def _step_stats(document: dict[str, Any], executions: Any) -> list[StepStats]:
    """Every step of the document in its order, then steps that only other versions have."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for step in document.get("steps", []):
        counts[step["id"], step["type"]] = {}
    for row in executions:
        counts[row["step_id"], row["step_type"]][row["status"]] = row["count"]
    return [StepStats(step_id=step_id, step_type=kind, **found) for (step_id, kind), found in counts.items()]
