"""Consent: which of a contact's addresses are not written to, and an operator's change of it."""

from typing import Any

from aiohttp import web

from api.database import Row, fetch_all
from api.finding import find_contact
from api.problems import Unprocessable
from api.produce import command_record
from api.requests import path_contact
from api.responses import respond
from api.services import SERVICES, Services
from api.write import Write, new_command_id, perform
from domain.command import ChangeConsent
from schemas.api_bodies import ConsentBody
from schemas.api_sending import ContactConsent

_ADDRESS_OF = {"sms": "phone", "email": "email"}


async def get_consent(request: web.Request) -> web.Response:
    """A contact's consent: every address that was ever opted out, and whether it is allowed again."""
    services, contact_id = request.app[SERVICES], path_contact(request)
    await find_contact(services.database, contact_id)
    return respond(await _consent(services, contact_id))


async def change_consent(request: web.Request, body: ConsentBody) -> web.StreamResponse:
    """Write to an address of a contact no more, or again; by default to the one that she has."""
    services, contact_id = request.app[SERVICES], path_contact(request)
    contact = await find_contact(services.database, contact_id)
    command_id = await new_command_id(request)
    command = ChangeConsent(
        command_id=str(command_id),
        contact_id=contact_id,
        channel=body.channel,
        address=body.address or _own(contact, body.channel),
        allowed=body.allowed,
        reason="opted_in" if body.allowed else "opted_out",
    )

    async def answer(_: Row) -> web.StreamResponse:
        return respond(await _consent(services, contact_id))

    return await perform(request, Write(command_id=command_id, record=command_record(services, command), answer=answer))


async def _consent(services: Services, contact_id: str) -> ContactConsent:
    rows = await fetch_all(services.database, "consents_of_contact", {"contact_id": contact_id})
    return ContactConsent.model_validate({"contact_id": contact_id, "items": list(rows)})


def _own(contact: dict[str, Any], channel: str) -> str:
    field = _ADDRESS_OF[channel]
    if not contact[field]:
        message = f"the contact has no {field}; name the `address` that consent is about"
        raise Unprocessable(message, code="no_address")
    return str(contact[field])
