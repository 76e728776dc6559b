"""Incidents: work that stopped and needs a person."""

from aiohttp import web

from api.finding import find_incident
from api.listing import respond_page
from api.listings import INCIDENTS
from api.requests import path_uuid
from api.responses import respond
from api.services import SERVICES
from schemas.api_bodies import IncidentsQuery
from schemas.api_resources import Incident


async def list_incidents(request: web.Request, query: IncidentsQuery) -> web.Response:
    """All incidents, the newest first."""
    return await respond_page(request, INCIDENTS, query, {"status": query.status})


async def get_incident(request: web.Request) -> web.Response:
    """One incident."""
    row = await find_incident(request.app[SERVICES].database, path_uuid(request, "incident_id"))
    return respond(Incident.model_validate(row))
