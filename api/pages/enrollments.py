"""The page of an enrollment: where it stands, and every step it took."""

from collections.abc import Sequence

from aiohttp import web

from api.database import Row, fetch_all
from api.finding import find_enrollment, find_workflow
from api.listing import list_page, page_of
from api.listings import EXECUTIONS
from api.pages.view import PAGE_SIZE, asked_moment, form_time, next_link, render
from api.past import enrollment_as_of
from api.requests import path_uuid
from api.services import SERVICES
from schemas.api_bodies import PageQuery


async def enrollment(request: web.Request) -> web.Response:
    """One enrollment with its executions: statuses, due times, attempts, errors."""
    database = request.app[SERVICES].database
    enrollment_id = path_uuid(request, "enrollment_id")
    at_ms = asked_moment(request)
    query = PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))
    filters = {"enrollment_id": enrollment_id}
    if at_ms is None:
        row = await find_enrollment(database, enrollment_id)
        page = await list_page(request, EXECUTIONS, query, filters)
        incidents: Sequence[Row] = await fetch_all(database, "incidents_of_enrollment", filters)
    else:
        row, past = await enrollment_as_of(request, enrollment_id, at_ms)
        page = page_of(EXECUTIONS, past.executions(str(enrollment_id)), query)
        incidents = past.incidents(str(enrollment_id))
    return await render(
        request,
        "enrollment.html",
        enrollment=row,
        asked_at=form_time(at_ms),
        **({} if at_ms is None else {"now_ms": at_ms}),
        workflow=await find_workflow(database, row["workflow_id"]),
        incidents=incidents,
        executions=page.items,
        next_link=next_link(request, page.next_cursor),
    )
