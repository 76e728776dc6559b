"""The sandbox's own pages: the inbox for people and for programs, the requests, and the faults."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
from aiohttp import web

from headrace.sandbox.exchange import FAULTS, LEDGER
from headrace.sandbox.faults import InvalidFault
from headrace.sandbox.ledger import MAX_ENTRIES, Entry, Shelf

_SHOWN: Final = 200
_CHANNELS: Final = ("sms", "email", "http")
_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def add_pages(app: web.Application) -> None:
    """Serve the pages."""
    app.router.add_get("/", _inbox_page)
    app.router.add_get("/inbox.json", _inbox)
    app.router.add_delete("/inbox", _clear_inbox)
    app.router.add_get("/requests.json", _requests)
    app.router.add_get("/faults", _faults)
    app.router.add_post("/faults", _add_fault)
    app.router.add_delete("/faults", _clear_faults)


async def _inbox_page(request: web.Request) -> web.Response:
    inbox = request.app[LEDGER].inbox
    channel = request.query.get("channel") or None
    to = request.query.get("to") or None
    found = inbox.find(channel=channel, to=to, limit=_SHOWN)
    page = _TEMPLATES.get_template("inbox.html").render(
        messages=[entry.read() for entry in reversed(found)],
        total=len(inbox),
        shown=_SHOWN,
        channels=_CHANNELS,
        channel=channel,
        to=to,
        still="still" in request.query,
        faults=[fault for fault in request.app[FAULTS].listed() if fault["left"] != 0],
    )
    return web.Response(text=page, content_type="text/html", headers=_SAFE)


async def _inbox(request: web.Request) -> web.Response:
    return _listed(request, "messages", request.app[LEDGER].inbox)


async def _requests(request: web.Request) -> web.Response:
    return _listed(request, "requests", request.app[LEDGER].requests)


async def _clear_inbox(request: web.Request) -> web.Response:
    request.app[LEDGER].clear()
    return web.Response(status=204)


async def _faults(request: web.Request) -> web.Response:
    return web.json_response({"faults": request.app[FAULTS].listed()})


async def _add_fault(request: web.Request) -> web.Response:
    try:
        described: Any = msgspec.json.decode(await request.read())
        fault = request.app[FAULTS].add(described)
    except (msgspec.DecodeError, InvalidFault) as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response(msgspec.to_builtins(fault), status=201)


async def _clear_faults(request: web.Request) -> web.Response:
    request.app[FAULTS].clear()
    return web.Response(status=204)


def _listed(request: web.Request, name: str, shelf: Shelf) -> web.Response:
    query = request.query
    text = query.get("limit", str(MAX_ENTRIES))
    if not (text.isascii() and text.isdigit()):
        return web.json_response({"error": f"limit: expected a number, found {text!r}"}, status=400)
    found = shelf.find(
        channel=query.get("channel"), to=query.get("to"), action_key=query.get("action_key"), limit=int(text)
    )
    return web.Response(body=_document(name, found), content_type="application/json")


def _document(name: str, entries: Iterable[Entry]) -> bytes:
    return b'{"%s":[%s]}' % (name.encode(), b",".join(entry.line for entry in entries))
