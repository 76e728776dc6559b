"""The page that answers "why?": one sentence, and the evidence as a story."""

from uuid import UUID

from aiohttp import web

from api.database import fetch_all
from api.finding import find_contact, find_enrollment
from api.pages.view import asked_moment, form_time, render
from api.problems import NotFound
from api.requests import path_contact
from api.services import SERVICES
from api.why import tell_why
from domain.times import format_time
from schemas.api_bodies import WhyQuery

_LISTED = 500
"""Workflows that the form offers."""


async def why(request: web.Request) -> web.Response:
    """Why a contact was enrolled or not, why an enrollment went as it did, why a step was done or not."""
    database = request.app[SERVICES].database
    at_ms = asked_moment(request)
    contact = await find_contact(database, path_contact(request))
    query = WhyQuery(
        workflow_id=_id(request, "workflow_id"),
        enrollment_id=_id(request, "enrollment_id"),
        step_id=(request.query.get("step_id") or "").replace("\0", "") or None,
        at=None if at_ms is None else format_time(at_ms),
    )
    asked = query.workflow_id is not None or query.enrollment_id is not None
    told = await tell_why(request, contact["id"], query) if asked else None
    enrollment = await find_enrollment(database, query.enrollment_id) if query.enrollment_id else None
    return await render(
        request,
        "why.html",
        contact=contact,
        told=told,
        query=query,
        enrollment=enrollment,
        asked_at=form_time(at_ms),
        workflows=await fetch_all(database, "workflow_names", {"limit": _LISTED}),
    )


def _id(request: web.Request, name: str) -> UUID | None:
    text = request.query.get(name)
    try:
        return UUID(text) if text else None
    except ValueError as error:
        message = f"there is no {name.removesuffix('_id')} {text!r}: its id is a UUID"
        raise NotFound(message) from error
