"""The pages of workflows: all of them, and one with its definition, versions and enrollments."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from api.database import Database, Row, fetch_all
from api.finding import find_version, find_workflow
from api.listing import list_page
from api.listings import ENROLLMENTS, VERSIONS, WORKFLOWS
from api.pages.view import PAGE_SIZE, next_link, render
from api.requests import path_uuid
from api.services import SERVICES
from domain.enrollment import TRANSITIONS
from schemas.api_bodies import PageQuery
from schemas.api_resources import Workflow


async def home(request: web.Request) -> web.Response:
    """All workflows with their counts, and how to begin."""
    page = await list_page(request, WORKFLOWS, _page(request), {"status": None})
    counts = await _counts(request.app[SERVICES].database, page.items)
    return await render(
        request,
        "home.html",
        workflows=page.items,
        counts=counts,
        next_link=next_link(request, page.next_cursor),
        base_url=f"{request.scheme}://{request.host}",
    )


async def workflow(request: web.Request) -> web.Response:
    """One workflow: its latest definition with what is wrong with it, its versions, its enrollments."""
    database = request.app[SERVICES].database
    workflow_id = path_uuid(request, "workflow_id")
    row = await find_workflow(database, workflow_id)
    version = await find_version(database, workflow_id, row["version"])
    versions = await list_page(request, VERSIONS, PageQuery(limit=PAGE_SIZE), {"workflow_id": workflow_id})
    asked = request.query.get("status")
    status = asked if asked in TRANSITIONS else None
    page = await list_page(request, ENROLLMENTS, _page(request), {"workflow_id": workflow_id, "status": status})
    found = Workflow.model_validate(row)
    return await render(
        request,
        "workflow.html",
        workflow=found,
        counts=(await _counts(database, [found]))[workflow_id],
        lines=source_lines(version["source"], version["diagnostics"]),
        versions=versions.items,
        enrollments=page.items,
        statuses=TRANSITIONS,
        status=status,
        next_link=next_link(request, page.next_cursor),
    )


def source_lines(source: str, diagnostics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The source line by line, each with the diagnostics that are about it."""
    about: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    lines = source.splitlines() or [""]
    for diagnostic in diagnostics:
        about[min(max(diagnostic["line"], 1), len(lines))].append(diagnostic)
    return [{"number": number, "text": text, "about": about[number]} for number, text in enumerate(lines, 1)]


def _page(request: web.Request) -> PageQuery:
    return PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))


async def _counts(database: Database, workflows: Sequence[Workflow]) -> dict[Any, dict[str, int]]:
    """Enrollments by workflow and status; 0 where there are none."""
    counts: dict[Any, dict[str, int]] = {found.id: defaultdict(int) for found in workflows}
    ids = list(counts)
    rows: Sequence[Row] = await fetch_all(database, "enrollment_counts_of_workflows", {"workflow_ids": ids})
    for row in rows:
        counts[row["workflow_id"]][row["status"]] = row["count"]
    return counts
