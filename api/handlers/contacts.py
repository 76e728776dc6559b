"""Contacts: what is known of them, what happened to them, and new facts about them."""

from aiohttp import web

from api.contact_events import event_record
from api.database import Row
from api.finding import find_contact
from api.listing import respond_page
from api.listings import CONTACTS, TIMELINE, TIMELINE_NEWEST_FIRST
from api.requests import path_contact
from api.responses import respond
from api.services import SERVICES
from api.write import Write, new_command_id, perform
from schemas.api_bodies import ContactEventBody, PageQuery, TimelineQuery
from schemas.api_resources import Contact, EventResult


async def list_contacts(request: web.Request, query: PageQuery) -> web.Response:
    """All contacts, by id."""
    return await respond_page(request, CONTACTS, query)


async def get_contact(request: web.Request) -> web.Response:
    """One contact."""
    row = await find_contact(request.app[SERVICES].database, path_contact(request))
    return respond(Contact.model_validate(row))


async def get_timeline(request: web.Request, query: TimelineQuery) -> web.Response:
    """All that happened with a contact, in the journal's order."""
    contact_id = path_contact(request)
    await find_contact(request.app[SERVICES].database, contact_id)
    listing = TIMELINE if query.order == "asc" else TIMELINE_NEWEST_FIRST
    return await respond_page(request, listing, query, {"contact_id": contact_id})


async def post_event(request: web.Request, body: ContactEventBody) -> web.StreamResponse:
    """Tell a fact about a contact; one that is not known yet comes to be."""
    contact_id = path_contact(request)
    command_id = await new_command_id(request)
    record = event_record(request.app[SERVICES], contact_id, body, command_id)

    async def answer(result: Row) -> web.StreamResponse:
        return respond(EventResult(command_id=command_id, result=result["result"]))

    return await perform(request, Write(command_id=command_id, record=record, answer=answer))
