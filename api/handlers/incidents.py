"""Incidents and dead letters: what needs a person."""

from aiohttp import web

from api.finding import find_incident
from api.listing import respond_page
from api.listings import DEAD_LETTERS, INCIDENTS
from api.requests import path_uuid
from api.responses import respond
from api.services import SERVICES
from schemas.api_bodies import IncidentsQuery, PageQuery
from schemas.api_resources import Incident


async def list_incidents(request: web.Request, query: IncidentsQuery) -> web.Response:
    """All incidents, the newest first."""
    return await respond_page(request, INCIDENTS, query, {"status": query.status})


async def get_incident(request: web.Request) -> web.Response:
    """One incident."""
    row = await find_incident(request.app[SERVICES].database, path_uuid(request, "incident_id"))
    return respond(Incident.model_validate(row))


async def list_dead_letters(request: web.Request, query: PageQuery) -> web.Response:
    """Records that could not be read, the newest first, with their bytes."""
    return await respond_page(request, DEAD_LETTERS, query)
