"""The sandbox's own pages: the inbox for people and for programs, the requests, and the faults."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final, get_args

import jinja2
import msgspec
from aiohttp import web

from headrace.sandbox.exchange import CALLBACKS, DELIVERY, FAULTS, KEYS, LEDGER
from headrace.sandbox.faults import Kind
from headrace.sandbox.forms import is_form, told_by
from headrace.sandbox.ledger import MAX_ENTRIES, Entry, Ledger, Shelf

_SHOWN: Final = 200
_CHANNELS: Final = ("sms", "email", "http")
_EVENTS_BY_HAND: Final = ("open", "click", "unsubscribe", "spamreport", "bounce", "dropped")
_NUMBERS: Final = frozenset({"status", "code", "retry_after", "delay_s", "times", "rate", "after", "every"})
_SCRIPT: Final = (Path(__file__).parent / "inbox.js").read_text(encoding="utf-8")
_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def add_pages(app: web.Application) -> None:
    """Serve the pages."""
    app.router.add_get("/", _inbox_page)
    app.router.add_get("/inbox.js", _script)
    app.router.add_get("/inbox.json", _inbox)
    app.router.add_delete("/inbox", _clear_inbox)
    app.router.add_get("/requests.json", _requests)
    app.router.add_get("/faults", _faults)
    app.router.add_post("/faults", _add_fault)
    app.router.add_delete("/faults", _clear_faults)


async def _inbox_page(request: web.Request) -> web.Response:
    ledger = request.app[LEDGER]
    channel, to = request.query.get("channel") or None, request.query.get("to") or None
    page = _TEMPLATES.get_template("inbox.html").render(
        messages=_conversation(ledger, channel, to),
        total=len(ledger.inbox),
        shown=_SHOWN,
        channels=_CHANNELS,
        channel=channel,
        to=to,
        person=to if to and to.startswith("+") else None,
        stopped=to in ledger.stopped,
        still="still" in request.query,
        faults=[fault for fault in request.app[FAULTS].listed() if fault["left"] != 0],
        kinds=get_args(Kind),
        events=_EVENTS_BY_HAND,
        public_url=request.app[DELIVERY].public_url,
        public_key=request.app[KEYS].sendgrid_public_key,
        callbacks=request.app[CALLBACKS].listed(1),
    )
    return web.Response(text=page, content_type="text/html", headers=_SAFE)


def _conversation(ledger: Ledger, channel: str | None, to: str | None) -> list[dict[str, Any]]:
    """What went out and what people answered, the newest first; `to` is the person."""
    sent = [_with_status(ledger, entry) for entry in ledger.inbox.find(channel=channel, to=to, limit=_SHOWN)]
    answered = []
    if channel in (None, "sms"):
        replies = (entry.read() for entry in ledger.replies.newest_first())
        answered = [
            reply | {"inbound": True} for reply in islice(replies, _SHOWN) if to in (None, reply["from"], reply["to"])
        ]
    return sorted([*sent, *answered], key=lambda message: str(message["at"]), reverse=True)[:_SHOWN]


def _with_status(ledger: Ledger, entry: Entry) -> dict[str, Any]:
    known = ledger.status_of(entry.provider_id or "", entry.to)
    return entry.read() | ({"status": known.status, "code": known.code} if known else {})


async def _script(_: web.Request) -> web.Response:
    return web.Response(text=_SCRIPT, content_type="text/javascript", headers={"X-Content-Type-Options": "nosniff"})


async def _inbox(request: web.Request) -> web.Response:
    """What was taken, with what became of it since."""
    ledger = request.app[LEDGER]

    def line(entry: Entry) -> bytes:
        known = ledger.status_of(entry.provider_id or "", entry.to)
        return entry.line if known is None else b'%s,"status":"%s"}' % (entry.line[:-1], known.status.encode())

    return _listed(request, "messages", ledger.inbox, line)


async def _requests(request: web.Request) -> web.Response:
    return _listed(request, "requests", request.app[LEDGER].requests, lambda entry: entry.line)


async def _clear_inbox(request: web.Request) -> web.Response:
    request.app[LEDGER].clear()
    return web.Response(status=204)


async def _faults(request: web.Request) -> web.Response:
    return web.json_response({"faults": request.app[FAULTS].listed()})


async def _add_fault(request: web.Request) -> web.Response:
    """Arm a fault: a JSON object, or the page's form."""
    faults, told = request.app[FAULTS], await told_by(request)
    if not await is_form(request):
        return web.json_response(msgspec.to_builtins(faults.add(told)), status=201)
    if "disarm" in told:
        faults.clear()
    else:
        faults.add(_typed(told))
    raise web.HTTPSeeOther("/")


def _typed(form: Mapping[str, str]) -> dict[str, Any]:
    """A form's fields as JSON would have them; empty ones are not given."""
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    return {name: _number(value) if name in _NUMBERS else value for name, value in given.items()}


def _number(text: str) -> float | int | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


async def _clear_faults(request: web.Request) -> web.Response:
    request.app[FAULTS].clear()
    return web.Response(status=204)


def _listed(request: web.Request, name: str, shelf: Shelf, line: Callable[[Entry], bytes]) -> web.Response:
    query = request.query
    text = query.get("limit", str(MAX_ENTRIES))
    if not (text.isascii() and text.isdigit()):
        return web.json_response({"error": f"limit: expected a number, found {text!r}"}, status=400)
    found = shelf.find(
        channel=query.get("channel"), to=query.get("to"), action_key=query.get("action_key"), limit=int(text)
    )
    document = b'{"%s":[%s]}' % (name.encode(), b",".join(map(line, found)))
    return web.Response(body=document, content_type="application/json")
