"""People who answer: an SMS that somebody types in the sandbox is posted as Twilio would, and STOP is heeded as Twilio does."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from domain.errors import HeadraceError
from headrace.sandbox.callbacks import Callbacks
from headrace.sandbox.exchange import CALLBACKS, DELIVERY, KEYS, LEDGER
from headrace.sandbox.forms import NotTold, is_form, told_by
from headrace.sandbox.keys import SandboxKeys
from headrace.sandbox.ledger import Ledger, rfc3339_now
from headrace.sandbox.sendgrid_events import EVENTS
from headrace.sandbox.twilio_callbacks import NO_ACCOUNT, inbound_callback

DEFAULT_NUMBER: Final = "+15005550006"
"""Our number where a person was never written to."""

STOP: Final = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
START: Final = frozenset({"START", "UNSTOP", "YES"})
_NUMBER: Final = re.compile(r"\+\d{3,15}")
_MAX_CHARS: Final = 1_600


class NowhereToPost(HeadraceError):
    """The sandbox does not know where the application listens: start it with --public-url (HEADRACE_PUBLIC_URL)."""


class Replies:
    """What people and their mailboxes do, by somebody's hand."""

    def __init__(self, ledger: Ledger, callbacks: Callbacks, keys: SandboxKeys, public_url: str | None) -> None:
        self._ledger, self._callbacks, self._keys, self._public_url = ledger, callbacks, keys, public_url

    def sms(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A person (`from`) sends an SMS (`body`) to us (`to`, or else the number that wrote to her last).

        Raises:
            NotTold: it has no number, or no text that an SMS can have.
            NowhereToPost: there is no public URL.
        """
        if self._public_url is None:
            raise NowhereToPost
        person, body = str(told.get("from") or "").strip(), told.get("body")
        if not _NUMBER.fullmatch(person):
            raise NotTold(f"from: expected a number such as +15550001111, found {person!r}")
        if not isinstance(body, str) or not body.strip() or len(body) > _MAX_CHARS:
            raise NotTold(f"body: expected a text of 1 to {_MAX_CHARS:,} characters")
        last = next((entry.read() for entry in self._ledger.inbox.newest_first() if entry.is_for("sms", person)), {})
        sender = str(last.get("from") or "")
        reply = {
            "channel": "sms",
            "from": person,
            "to": str(told.get("to") or "") or (sender if _NUMBER.fullmatch(sender) else DEFAULT_NUMBER),
            "body": body,
            "provider_id": "SM" + secrets.token_hex(16),
            "account": last.get("account") or NO_ACCOUNT,
            "at": rfc3339_now(),
            "opt_out_type": opt_out_type(body),
        }
        self._ledger.reply(reply)
        self._callbacks.post(inbound_callback(self._keys, self._public_url, reply))
        return reply


REPLIES: Final = web.AppKey("replies", Replies)


def opt_out_type(body: str) -> str | None:
    """`STOP`, `START` or `HELP` when the whole message is such a word."""
    word = body.strip().upper()
    return "STOP" if word in STOP else "START" if word in START else "HELP" if word in ("HELP", "INFO") else None


def add_replies(app: web.Application) -> None:
    """Serve what people do: `POST /replies` and `POST /events`."""
    app.router.add_post("/replies", _reply)
    app.router.add_get("/replies.json", _listed)
    app.router.add_post("/events", _event)
    app.router.add_get("/callbacks.json", _callbacks)


async def _reply(request: web.Request) -> web.StreamResponse:
    told = await told_by(request)
    reply = request.app[REPLIES].sms(told)
    return await _done(request, reply, 201)


async def _event(request: web.Request) -> web.StreamResponse:
    """Something happens to an e-mail: it is opened, it bounces ..."""
    told = await told_by(request)
    name, provider_id, to = (str(told.get(key) or "") for key in ("event", "provider_id", "to"))
    if name not in EVENTS:
        raise NotTold(f"event: expected one of {', '.join(EVENTS)}, found {name!r}")
    found = [one for one in request.app[LEDGER].messages(provider_id) if not to or one["to"] == to]
    if not found or found[0]["channel"] != "email":
        raise NotTold(f"provider_id: expected the id of an e-mail in the inbox, found {provider_id!r}")
    said = {"url": str(told["url"])} if told.get("url") and name == "click" else None
    if not request.app[DELIVERY].tell(found[0], name, said=said):
        raise NowhereToPost
    return await _done(request, {"event": name, "provider_id": provider_id, "to": found[0]["to"]}, 201)


async def _listed(request: web.Request) -> web.Response:
    entries = request.app[LEDGER].replies.find()
    return web.json_response({"replies": [entry.read() for entry in entries]})


async def _callbacks(request: web.Request) -> web.Response:
    callbacks, keys = request.app[CALLBACKS], request.app[KEYS]
    return web.json_response(
        {
            "callbacks": callbacks.listed(),
            "dropped": callbacks.dropped,
            "public_url": request.app[DELIVERY].public_url,
            "sendgrid_public_key": keys.sendgrid_public_key,
        }
    )


async def _done(request: web.Request, told: Mapping[str, Any], status: int) -> web.Response:
    """What happened, to a program; back to the page, to a person who posted its form."""
    if not await is_form(request):
        return web.json_response(told, status=status)
    here = request.headers.get("Referer", "")
    raise web.HTTPSeeOther(here if urlsplit(here).netloc == request.host else "/")
