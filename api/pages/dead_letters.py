"""The page of dead letters: records that could not be read."""

from typing import Final

from aiohttp import web

from api.listing import list_page
from api.listings import DEAD_LETTERS
from api.pages.view import PAGE_SIZE, next_link, render
from schemas.api_bodies import PageQuery
from schemas.api_resources import DeadLetter

_SHOWN: Final = 2_000
"""Characters of a value that the page shows; the API has all of them."""


async def dead_letters(request: web.Request) -> web.Response:
    """Open dead letters, or with `?status=all` the replayed ones too, the newest first."""
    everything = request.query.get("status") == "all"
    query = PageQuery(limit=PAGE_SIZE, cursor=request.query.get("cursor"))
    page = await list_page(request, DEAD_LETTERS, query, {"status": None if everything else "open", "reason": None})
    return await render(
        request,
        "dead_letters.html",
        letters=[(letter, _shown(letter)) for letter in page.items],
        everything=everything,
        next_link=next_link(request, page.next_cursor),
    )


def _shown(letter: DeadLetter) -> str | None:
    """As much of the value as a person reads; None for a record without one."""
    if letter.value is None:
        return None if letter.value_base64 is None else "(no text) " + letter.value_base64[:_SHOWN]
    return letter.value if len(letter.value) <= _SHOWN else letter.value[:_SHOWN] + " …"
