"""The journal as it stands; personal data only when it is asked for."""

from datetime import datetime

import msgspec
from aiohttp import web

from api.database import Database, fetch_all
from api.past import FOR_EVER, unreadable
from api.problems import BadRequest
from api.requests import contact_id
from api.services import SERVICES
from domain.errors import HeadraceError
from domain.partition import home_partition
from projections.journal_page import JournalQuery, read_journal, read_journal_at
from schemas.api_bodies import JournalPageQuery


async def read_journal_page(request: web.Request, query: JournalPageQuery) -> web.Response:
    """Journal events of a partition or of a contact, in the journal's order."""
    services = request.app[SERVICES]
    if query.contact_id is not None and query.partition is not None:
        message = "expected either contact_id or partition, found both; a contact's partition is known by its id"
        raise BadRequest(message, code="bad_query")
    partition = query.partition or 0
    if query.contact_id is not None:
        partition = home_partition(contact_id(query.contact_id), services.partitions)
    if partition >= services.partitions:
        message = f"expected a partition from 0 to {services.partitions - 1}, found {partition}"
        raise BadRequest(message, code="bad_query")
    wanted = JournalQuery(
        partition=partition,
        contact_id=query.contact_id,
        offset=query.offset,
        since_ms=_milliseconds(query.since),
        until_ms=_milliseconds(query.until),
        limit=query.limit,
        personal=query.personal,
    )
    offsets = await _offsets(services.database, query.contact_id)
    try:
        if offsets:
            page = await read_journal_at(services.commands, wanted, offsets)
        else:
            page = await read_journal(services.commands, wanted)
    except (OSError, HeadraceError) as error:
        raise unreadable(error) from error
    # Encoded as it is, not by its model: a page may have thousands of events.
    body = msgspec.json.encode({"partitions": services.partitions, **msgspec.structs.asdict(page)})
    return web.Response(body=body, content_type="application/json")


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


async def _offsets(database: Database, contact: str | None) -> list[int]:
    """Where the contact's events stand, if the read side knows it of all of them; else the partition is searched."""
    if contact is None:
        return []
    rows = await fetch_all(database, "journal_of_contact", {"contact_id": contact, "until": FOR_EVER})
    offsets = [row["offset"] for row in rows]
    return [] if None in offsets else offsets
