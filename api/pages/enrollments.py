"""The page of an enrollment: where it stands, and every step it took."""

from aiohttp import web

from api.database import fetch_all
from api.finding import find_enrollment, find_workflow
from api.listing import list_page
from api.listings import EXECUTIONS
from api.pages.view import PAGE_SIZE, next_link, render
from api.requests import path_uuid
from api.services import SERVICES
from schemas.api_bodies import PageQuery


async def enrollment(request: web.Request) -> web.Response:
    """One enrollment with its executions: statuses, due times, attempts, errors."""
    database = request.app[SERVICES].database
    enrollment_id = path_uuid(request, "enrollment_id")
    row = await find_enrollment(database, enrollment_id)
    query = PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))
    page = await list_page(request, EXECUTIONS, query, {"enrollment_id": enrollment_id})
    return await render(
        request,
        "enrollment.html",
        enrollment=row,
        workflow=await find_workflow(database, row["workflow_id"]),
        incidents=await fetch_all(database, "incidents_of_enrollment", {"enrollment_id": enrollment_id}),
        executions=page.items,
        next_link=next_link(request, page.next_cursor),
    )
