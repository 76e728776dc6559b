"""Consent by address, for many at once: a suppression list that another system kept is brought in so."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from aiohttp import web

from api.database import Row, fetch_all
from api.produce import command_record
from api.responses import respond
from api.services import SERVICES, Services
from api.write import Write, new_command_id, perform
from domain.command import ChangeConsent
from domain.consent import normal_address
from domain.ids import deterministic_uuid
from domain.phones import NotAPhoneNumber, e164, spellings
from schemas.api_bodies import AddressConsent, ConsentsBody
from schemas.api_sending import AddressesTaken, AddressTaken

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_WITH: Final = {"sms": "contacts_with_phones", "email": "contacts_with_emails"}


class _Told(msgspec.Struct, frozen=True):
    """One address, in the form in which two are compared, and who has it."""

    about: AddressConsent
    normal: str
    problem: str | None
    contact_ids: tuple[str, ...] = ()


async def change_consents(request: web.Request, body: ConsentsBody) -> web.StreamResponse:
    """Write to addresses no more, or again, whoever has them now."""
    services = request.app[SERVICES]
    told = await _with_holders(services, [_read(one, services.webhooks.phone_region) for one in body.items])
    wished = await _news(services, told)
    taken = AddressesTaken(items=[_taken(one) for one in told])
    if not wished:
        return respond(taken)
    first_id = await new_command_id(request)
    commands = [_command(first_id, number, one, contact_id) for number, (one, contact_id) in enumerate(wished)]
    records = [command_record(services, command) for command in commands]

    async def answer(_: Row) -> web.StreamResponse:
        return respond(taken)

    write = Write(command_id=first_id, record=records[0], also=tuple(records[1:]), answer=answer)
    return await perform(request, write)


def _read(about: AddressConsent, region: str | None) -> _Told:
    normal = normal_address(about.channel, about.address, region)
    if about.channel == "email":
        return _Told(about, normal, None if _EMAIL.fullmatch(normal) else "it can't be an e-mail address")
    try:
        e164(about.address, region)
    except NotAPhoneNumber as problem:
        return _Told(about, normal, f"it can't be a phone number: {problem}")
    return _Told(about, normal, None)


async def _with_holders(services: Services, told: Sequence[_Told]) -> list[_Told]:
    """Each address with the ids of the contacts that have it."""
    region = services.webhooks.phone_region
    by_spelling: dict[tuple[str, str], set[str]] = defaultdict(set)
    for channel, query in _WITH.items():
        wanted = {spelling for one in told for spelling in _spellings(one, region) if one.about.channel == channel}
        for row in await fetch_all(services.database, query, {"spellings": sorted(wanted)}) if wanted else ():
            by_spelling[channel, row["spelling"]].add(row["id"])
    return [msgspec.structs.replace(one, contact_ids=_holders(one, by_spelling, region)) for one in told]


def _holders(one: _Told, by_spelling: Mapping[tuple[str, str], set[str]], region: str | None) -> tuple[str, ...]:
    found = [by_spelling.get((one.about.channel, spelling), set()) for spelling in _spellings(one, region)]
    return tuple(sorted(set().union(*found)))


def _spellings(one: _Told, region: str | None) -> Iterable[str]:
    if one.problem is not None:
        return ()
    return spellings(one.about.address, region) if one.about.channel == "sms" else (one.normal,)


async def _news(services: Services, told: Sequence[_Told]) -> list[tuple[_Told, str]]:
    """Each address and contact for whom it changes something: a list may be brought in again and again."""
    contact_ids = sorted({contact_id for one in told for contact_id in one.contact_ids})
    if not contact_ids:
        return []
    rows = await fetch_all(services.database, "suppressed_addresses", {"contact_ids": contact_ids})
    suppressed = {(row["contact_id"], row["channel"], row["address"]) for row in rows}
    return [
        (one, contact_id)
        for one in told
        for contact_id in one.contact_ids
        if one.about.allowed == ((contact_id, one.about.channel, one.normal) in suppressed)
    ]


def _command(first_id: UUID, number: int, one: _Told, contact_id: str) -> ChangeConsent:
    return ChangeConsent(
        command_id=str(first_id) if number == 0 else deterministic_uuid("consents", str(first_id), number),
        contact_id=contact_id,
        channel=one.about.channel,
        address=one.about.address,
        allowed=one.about.allowed,
        reason="opted_in" if one.about.allowed else one.about.reason,
    )


def _taken(one: _Told) -> AddressTaken:
    return AddressTaken(
        channel=one.about.channel,
        address=one.about.address,
        contacts=len(one.contact_ids),
        problem=one.problem,
    )
