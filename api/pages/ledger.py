"""The page of the send ledger: what was to be sent, and what came of it."""

from typing import Final, get_args

from aiohttp import web

from api.listing import list_page
from api.listings import LEDGER
from api.pages.view import PAGE_SIZE, next_link, render
from schemas.api_bodies import LedgerOutcome, LedgerQuery

OUTCOMES: Final[tuple[str, ...]] = get_args(LedgerOutcome)


async def ledger(request: web.Request) -> web.Response:
    """All intents, or those with an outcome (`?outcome=`), the newest first."""
    outcome = request.query.get("outcome")
    outcome = outcome if outcome in OUTCOMES else None
    query = LedgerQuery.model_validate({"limit": PAGE_SIZE, "cursor": request.query.get("cursor"), "outcome": outcome})
    page = await list_page(request, LEDGER, query, query.model_dump(exclude={"limit", "cursor"}))
    return await render(
        request,
        "ledger.html",
        entries=page.items,
        outcomes=OUTCOMES,
        chosen=outcome,
        next_link=next_link(request, page.next_cursor),
    )
