"""Contacts: what is known of them, what happened to them, and new facts about them."""

from aiohttp import web

from api.contact_events import event_record
from api.database import Row
from api.finding import find_contact
from api.listing import respond_page
from api.listings import CONTACTS, TIMELINE, TIMELINE_NEWEST_FIRST
from api.moment import moment_of
from api.past import FOR_EVER, contact_as_of, ensure_known
from api.requests import path_contact
from api.responses import respond
from api.services import SERVICES
from api.why import tell_why
from api.write import Write, new_command_id, perform
from domain.times import format_time
from schemas.api_bodies import AsOfQuery, ContactEventBody, PageQuery, TimelineQuery, WhyQuery
from schemas.api_resources import Contact, EventResult


async def list_contacts(request: web.Request, query: PageQuery) -> web.Response:
    """All contacts, by id."""
    return await respond_page(request, CONTACTS, query)


async def get_contact(request: web.Request, query: AsOfQuery) -> web.Response:
    """One contact, as it is or as it was."""
    at_ms = moment_of(request, query.at)
    row = await find_contact(request.app[SERVICES].database, path_contact(request))
    if at_ms is not None:
        row, _ = await contact_as_of(request, row, at_ms)
    return respond(Contact.model_validate(row))


async def get_timeline(request: web.Request, query: TimelineQuery) -> web.Response:
    """All that happened with a contact, in the journal's order."""
    at_ms = moment_of(request, query.at)
    contact_id = path_contact(request)
    contact = await find_contact(request.app[SERVICES].database, contact_id)
    if at_ms is not None:
        ensure_known(contact, at_ms)
    until = FOR_EVER if at_ms is None else format_time(at_ms)
    listing = TIMELINE if query.order == "asc" else TIMELINE_NEWEST_FIRST
    return await respond_page(request, listing, query, {"contact_id": contact_id, "until": until})


async def get_why(request: web.Request, query: WhyQuery) -> web.Response:
    """Why the contact was enrolled in a workflow or not, why an enrollment went as it did, why a step was done or not."""
    return respond(await tell_why(request, path_contact(request), query))


async def post_event(request: web.Request, body: ContactEventBody) -> web.StreamResponse:
    """Tell a fact about a contact; one that is not known yet comes to be."""
    contact_id = path_contact(request)
    command_id = await new_command_id(request)
    record = event_record(request.app[SERVICES], contact_id, body, command_id)

    async def answer(result: Row) -> web.StreamResponse:
        return respond(EventResult(command_id=command_id, result=result["result"]))

    return await perform(request, Write(command_id=command_id, record=record, answer=answer))
