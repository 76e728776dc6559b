"""What is stuck."""

from aiohttp import web

from api.responses import respond
from api.stuck import stuck_page
from schemas.api_bodies import PageQuery


async def list_stuck(request: web.Request, query: PageQuery) -> web.Response:
    """What does not move: partitions and the read side on the first page, then enrollments, the longest stuck first."""
    return respond(await stuck_page(request, query))
