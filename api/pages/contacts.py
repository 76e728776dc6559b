"""The pages of contacts: all of them, and one with its facts and its timeline."""

from aiohttp import web

from api.database import fetch_all
from api.finding import find_contact
from api.listing import list_page
from api.listings import CONTACTS, TIMELINE_NEWEST_FIRST
from api.pages.view import PAGE_SIZE, next_link, render
from api.requests import path_contact
from api.services import SERVICES
from schemas.api_bodies import PageQuery


async def contacts(request: web.Request) -> web.Response:
    """All contacts, by id."""
    page = await list_page(request, CONTACTS, PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor")))
    return await render(request, "contacts.html", contacts=page.items, next_link=next_link(request, page.next_cursor))


async def contact(request: web.Request) -> web.Response:
    """One contact: facts, enrollments, and what happened, the newest first."""
    database = request.app[SERVICES].database
    row = await find_contact(database, path_contact(request))
    query = PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))
    page = await list_page(request, TIMELINE_NEWEST_FIRST, query, {"contact_id": row["id"]})
    parameters = {"contact_id": row["id"], "limit": PAGE_SIZE}
    return await render(
        request,
        "contact.html",
        contact=row,
        enrollments=await fetch_all(database, "enrollments_by_contact", parameters),
        timeline=page.items,
        next_link=next_link(request, page.next_cursor),
    )
