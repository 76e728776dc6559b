"""The page of what is stuck: in good health it is empty."""

from aiohttp import web

from api.pages.view import PAGE_SIZE, next_link, render
from api.stuck import stuck_page
from schemas.api_bodies import PageQuery


async def stuck(request: web.Request) -> web.Response:
    """Partitions that do not keep up, then enrollments that do not move, the longest stuck first."""
    page = await stuck_page(request, PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor")))
    return await render(request, "stuck.html", found=page.items, next_link=next_link(request, page.next_cursor))
