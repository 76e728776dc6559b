"""The pages of contacts: all of them, and one with its facts and its timeline."""

from collections.abc import Sequence

from aiohttp import web

from api.database import Database, Row, fetch_all
from api.finding import find_contact
from api.listing import list_page
from api.listings import CONTACTS, TIMELINE_NEWEST_FIRST
from api.pages.view import PAGE_SIZE, asked_moment, form_time, next_link, render
from api.past import FOR_EVER, contact_as_of
from api.requests import path_contact
from api.services import SERVICES
from domain.times import format_time
from schemas.api_bodies import PageQuery


async def contacts(request: web.Request) -> web.Response:
    """All contacts, by id."""
    page = await list_page(request, CONTACTS, PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor")))
    return await render(request, "contacts.html", contacts=page.items, next_link=next_link(request, page.next_cursor))


async def contact(request: web.Request) -> web.Response:
    """One contact: facts, enrollments, and what happened, the newest first."""
    database = request.app[SERVICES].database
    at_ms = asked_moment(request)
    row = await find_contact(database, path_contact(request))
    parameters = {"contact_id": row["id"], "limit": PAGE_SIZE}
    if at_ms is None:
        enrollments: Sequence[Row] = await fetch_all(database, "enrollments_by_contact", parameters)
    else:
        row, past = await contact_as_of(request, row, at_ms)
        enrollments = await _named(database, past.enrollments())
    query = PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))
    filters = {"contact_id": row["id"], "until": FOR_EVER if at_ms is None else format_time(at_ms)}
    page = await list_page(request, TIMELINE_NEWEST_FIRST, query, filters)
    return await render(
        request,
        "contact.html",
        contact=row,
        asked_at=form_time(at_ms),
        **({} if at_ms is None else {"now_ms": at_ms}),
        enrollments=enrollments,
        timeline=page.items,
        next_link=next_link(request, page.next_cursor),
    )


async def _named(database: Database, enrollments: list[Row]) -> list[Row]:
    """Enrollments of then with their workflows' names of today."""
    names = {str(row["id"]): row["name"] for row in await fetch_all(database, "workflow_names", {"limit": None})}
    return [row | {"workflow_name": names.get(row["workflow_id"])} for row in enrollments]
