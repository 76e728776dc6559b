"""The page of incidents: work that stopped and needs a person."""

from aiohttp import web

from api.listing import list_page
from api.listings import INCIDENTS
from api.pages.view import PAGE_SIZE, next_link, render
from schemas.api_bodies import PageQuery


async def incidents(request: web.Request) -> web.Response:
    """Open incidents, or with `?status=all` the resolved ones too, the newest first."""
    everything = request.query.get("status") == "all"
    query = PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))
    page = await list_page(request, INCIDENTS, query, {"status": None if everything else "open"})
    return await render(
        request,
        "incidents.html",
        incidents=page.items,
        everything=everything,
        next_link=next_link(request, page.next_cursor),
    )
