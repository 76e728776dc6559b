"""The send ledger: every intent to reach a provider, and what came of it."""

from aiohttp import web

from api.listing import respond_page
from api.listings import LEDGER
from schemas.api_bodies import LedgerQuery


async def list_ledger(request: web.Request, query: LedgerQuery) -> web.Response:
    """The ledger, the newest intents first."""
    filters = query.model_dump(exclude={"limit", "cursor"})
    return await respond_page(request, LEDGER, query, filters)
