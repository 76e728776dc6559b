"""Webhooks: what Twilio and SendGrid tell us later. Each is answered once it is durable; the engine then takes it in."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from aiohttp import web
from multidict import MultiDict

from api.database import Row, fetch_all
from api.problems import BadRequest, Unavailable
from api.produce import command_record
from api.services import SERVICES, Services
from api.webhooks.deliveries import first, report_of
from api.webhooks.inbound_sms import sms_records
from api.webhooks.sendgrid import Event, address_of, consent_of, delivery_of
from api.webhooks.signatures import check_sendgrid, check_twilio
from domain.command import Command
from domain.errors import HeadraceError
from domain.phones import spellings
from schemas.api_bodies import TwilioStatusQuery
from schemas.event_log import NewRecord

_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_MAX_FIELDS: Final = 200
_events: Final = msgspec.json.Decoder(list[Event])
log = structlog.get_logger(__name__)


async def twilio_sms(request: web.Request, payload: bytes) -> web.Response:
    """An SMS that a contact sent: it becomes a `contact.sms_received` of the contact with that number."""
    services, form = request.app[SERVICES], _form(payload)
    check_twilio(request, form, services.webhooks)
    if not first(form, "MessageSid") or not first(form, "From"):
        message = "expected the fields MessageSid and From in a message of Twilio"
        raise BadRequest(message)
    wanted = spellings(first(form, "From"), services.webhooks.phone_region)
    rows = await fetch_all(services.database, "contacts_by_phone", {"spellings": wanted})
    await _append(services, sms_records(services, form, [row["id"] for row in rows]))
    return web.Response(body=_TWIML, content_type="text/xml")


async def twilio_status(request: web.Request, query: TwilioStatusQuery, payload: bytes) -> web.Response:
    """What became of an SMS that a step sent."""
    services, form = request.app[SERVICES], _form(payload)
    check_twilio(request, form, services.webhooks)
    contact_id = query.contact or await _contact_of(services, query.action_key)
    report = report_of(
        provider="twilio",
        action_key=query.action_key,
        contact_id=contact_id or "",
        channel="sms",
        status=first(form, "MessageStatus").lower(),
        event_id="",
        recipient=first(form, "To"),
        provider_id=first(form, "MessageSid") or None,
        code=first(form, "ErrorCode") or None,
    )
    await _tell(services, [report] if report is not None and contact_id else [], seen=1)
    return web.Response(status=204)


async def sendgrid_events(request: web.Request, payload: bytes) -> web.Response:
    """What became of e-mails, in batches: delivered, bounced, opened, clicked, unsubscribed ..."""
    services = request.app[SERVICES]
    check_sendgrid(request, payload, services.webhooks, time.time())
    try:
        events = _events.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"expected a JSON array of SendGrid's events: {error}"
        raise BadRequest(message, code="bad_json") from error
    known = await _contacts_of(services, [event.action_key for event in events if not event.contact])
    holders = await _holders_of(services, {address for event in events if (address := address_of(event))})
    commands: list[Command] = []
    for event in events:
        contact_id = event.contact or known.get(event.action_key)
        commands += _commands_of(event, contact_id, holders[address_of(event) or ""])
    await _tell(services, commands, seen=len(events))
    return web.Response(status=204)


def _commands_of(event: Event, contact_id: str | None, holders: set[str]) -> Iterator[Command]:
    """What an event of SendGrid means for the contact whom the message went to, and for all others who have the address."""
    report = delivery_of(event, contact_id) if contact_id else None
    own = {contact_id} if contact_id else set()
    if report is not None:
        yield report  # it ends its own contact's consent, too
    for one in sorted(holders - own if report is not None else holders | own):
        consent = consent_of(event, one)
        if consent is not None:
            yield consent


def _form(payload: bytes) -> MultiDict[str]:
    try:
        fields = parse_qsl(payload.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        message = f"expected a form of at most {_MAX_FIELDS} fields"
        raise BadRequest(message) from error
    return MultiDict(fields)


async def _contact_of(services: Services, action_key: str) -> str | None:
    """Whom a message of before its callbacks named its contact was for."""
    return (await _contacts_of(services, [action_key])).get(action_key)


async def _contacts_of(services: Services, action_keys: Sequence[str]) -> dict[str, str]:
    wanted = sorted({key for key in action_keys if key})
    if not wanted:
        return {}
    rows: Sequence[Row] = await fetch_all(services.database, "contacts_of_actions", {"action_keys": wanted})
    return {row["action_key"]: row["contact_id"] for row in rows}


async def _holders_of(services: Services, addresses: Collection[str]) -> defaultdict[str, set[str]]:
    """Who has each of these e-mail addresses: consent is about the address, whoever the message went to."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = (
        await fetch_all(services.database, "contacts_with_emails", {"spellings": sorted(addresses)})
        if addresses
        else ()
    )
    for row in rows:
        found[row["spelling"]].add(row["id"])
    return found


async def _tell(services: Services, commands: Sequence[Command], *, seen: int) -> None:
    """Hand the commands to the engine; what is not about a message of ours is counted and left."""
    log.debug("webhook.taken", events=seen, commands=len(commands))
    await _append(services, [command_record(services, command) for command in commands])


async def _append(services: Services, records: Sequence[NewRecord]) -> None:
    if not records:
        return
    try:
        await services.commands.append(records)
    except (OSError, HeadraceError) as error:
        log.warning("webhook.log_unavailable", error=type(error).__name__)
        message = "the log did not take this; send it again"
        raise Unavailable(message, code="log_unavailable", headers={"Retry-After": "5"}) from error
