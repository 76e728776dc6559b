"""Twilio's messages resource, as its SDK speaks it: create, fetch and list."""

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time
from heapq import merge
from itertools import dropwhile, islice
from typing import Any, Final

from aiohttp import web
from yarl import URL

from headrace.sandbox.exchange import LEDGER, exchange
from headrace.sandbox.faults import Fault
from headrace.sandbox.ledger import Entry, Ledger, cut, rfc3339_now
from headrace.sandbox.twilio_resource import ROOT, message_resource, reply_resource

CREDENTIALS: Final = web.AppKey("twilio_credentials", tuple[str, str])

MAGIC_NUMBERS: Final[Mapping[str, tuple[int, str]]] = {
    "+15005550001": (21211, "The 'To' number {to} is not a valid phone number."),
    "+15005550002": (21612, "The 'To' phone number: {to}, is not currently reachable using the 'From' phone number."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region of the 'To' number: {to}."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number: {to} is not a valid mobile number"),
}
"""Recipients that always fail: those of Twilio's own test credentials."""

_MAX_BODY_CHARS: Final = 1_600
_PHONE: Final = re.compile(r"\+?\d{3,15}")
_PUNCTUATION: Final = str.maketrans("", "", " -().")


class SmsCall:
    """A `POST .../Messages.json`."""

    channel = "sms"

    def __init__(self, account: str, form: Mapping[str, Any], stopped: Collection[str] = ()) -> None:
        self._account = account
        self._stopped = stopped
        self._form = {name: value for name, value in form.items() if isinstance(value, str)}
        self.to = self._form.get("To", "")
        self.action_key = _action_key(self._form.get("StatusCallback", ""))

    def refusal(self) -> web.Response | None:
        """Twilio's error for what is missing or wrong."""
        found = next(_faults_of(self._form), None)
        if found is None and self.to in self._stopped:
            found = MAGIC_NUMBERS["+15005550004"]
        return None if found is None else twilio_error(400, *found)

    def messages(self) -> list[dict[str, Any]]:
        """The one message."""
        return [
            {
                "channel": "sms",
                "to": self.to,
                "body": cut(self._form.get("Body", "")),
                "provider_id": "SM" + secrets.token_hex(16),
                "action_key": self.action_key,
                "at": rfc3339_now(),
                "from": self._form.get("From") or self._form.get("MessagingServiceSid"),
                "status_callback": self._form.get("StatusCallback"),
                "account": self._account,
            }
        ]

    def answer(self, messages: list[dict[str, Any]]) -> web.Response:
        """201 with the message's resource."""
        return web.json_response(message_resource(self._account, messages[0], None), status=201)

    def error(self, fault: Fault) -> web.Response:
        """The fault's status, with Twilio's number for it."""
        number = fault.code or {401: 20003, 404: 20404, 429: 20429, 503: 20503}.get(fault.status, 20000 + fault.status)
        return twilio_error(fault.status, number, fault.message or "A fault that the sandbox was told to play")


def twilio_error(status: int, number: int, message: str) -> web.Response:
    """An error in Twilio's own shape."""
    more = f"https://www.twilio.com/docs/errors/{number}"
    return web.json_response({"code": number, "message": message, "more_info": more, "status": status}, status=status)


def add_twilio(app: web.Application) -> None:
    """Serve the messages resource."""
    app.router.add_post(f"{ROOT}/Messages.json", _create)
    app.router.add_get(f"{ROOT}/Messages.json", _list)
    app.router.add_get(f"{ROOT}/Messages/{{sid}}.json", _fetch)


async def _create(request: web.Request) -> web.StreamResponse:
    refused = _unauthorized(request)
    if refused:
        return refused
    call = SmsCall(request.match_info["account"], await request.post(), request.app[LEDGER].stopped)
    return await exchange(request, call)


async def _fetch(request: web.Request) -> web.StreamResponse:
    refused = _unauthorized(request)
    if refused:
        return refused
    sid = request.match_info["sid"]
    found = next((entry for entry in _entries(request.app[LEDGER]) if entry.provider_id == sid), None)
    if found is None:
        return twilio_error(404, 20404, f"The requested resource {request.path} was not found")
    return web.json_response(_shown(request, found.read()))


async def _list(request: web.Request) -> web.StreamResponse:
    """The newest first, in pages. A page token names the message after which the page begins: new ones shift nothing."""
    refused = _unauthorized(request)
    if refused:
        return refused
    query = request.query
    try:
        wanted = _filter(query)
        size = min(max(int(query.get("PageSize", "50")), 1), 1_000)
        page = max(int(query.get("Page", "0")), 0)
    except ValueError as error:
        return twilio_error(400, 20001, f"Unable to read the filter: {error}")
    found = filter(
        wanted,
        (entry.read() for entry in _from(query.get("PageToken"), _entries(request.app[LEDGER], query.get("To")))),
    )
    skipped = 0 if "PageToken" in query else page * size
    shown = list(islice(found, skipped, skipped + size))
    more = next(found, None) is not None
    here = request.rel_url.update_query(PageSize=str(size), Page=str(page))
    following = here.update_query(Page=str(page + 1), PageToken=f"PA{shown[-1]['provider_id']}") if more else None
    return web.json_response(
        {
            "messages": [_shown(request, message) for message in shown],
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + len(shown) - 1,
            "uri": str(here),
            "first_page_uri": str(here.without_query_params("PageToken").update_query(Page="0")),
            "next_page_uri": str(following) if following else None,
            "previous_page_uri": str(here.without_query_params("PageToken").update_query(Page=str(page - 1)))
            if page
            else None,
        }
    )


def _entries(ledger: Ledger, to: str | None = None) -> Iterator[Entry]:
    """All messages (to a number), sent and received, the newest first, as Twilio lists them."""
    sent = (one for one in ledger.inbox.newest_first() if one.channel == "sms" and to in (None, one.to))
    received = (one for one in ledger.replies.newest_first() if to in (None, one.to))
    return merge(sent, received, key=lambda entry: entry.at, reverse=True)


def _from(token: str | None, entries: Iterator[Entry]) -> Iterator[Entry]:
    if token is not None:
        last = token.removeprefix("PA")
        entries = dropwhile(lambda entry: entry.provider_id != last, entries)
        next(entries, None)
    return entries


def _shown(request: web.Request, message: dict[str, Any]) -> dict[str, Any]:
    account = request.match_info["account"]
    if "opt_out_type" in message:
        return reply_resource(account, message)
    return message_resource(account, message, request.app[LEDGER].status_of(message["provider_id"], message["to"]))


def _filter(query: Mapping[str, str]) -> Callable[[dict[str, Any]], bool]:
    """The `To`, `From` and `DateSent` filters (a day, or `DateSent>` and `DateSent<` with a day or a time, inclusive)."""
    equal = {"to": query.get("To"), "from": query.get("From")}
    day = date.fromisoformat(query["DateSent"][:10]) if query.get("DateSent") else None
    after = _moment(query.get("DateSent>"), datetime.min, time.min)  # noqa: DTZ901 - gets its zone there
    before = _moment(query.get("DateSent<"), datetime.max, time.max)  # noqa: DTZ901

    def wanted(message: dict[str, Any]) -> bool:
        if any(value is not None and message.get(name) != value for name, value in equal.items()):
            return False
        at = datetime.fromisoformat(message["at"])
        return after <= at <= before and (day is None or at.date() == day)

    return wanted


def _moment(text: str | None, otherwise: datetime, of_a_day: time) -> datetime:
    """A time, the begin or the end of a day, or else what there is no limit with."""
    if text and len(text) == len("2000-01-01"):
        moment = datetime.combine(date.fromisoformat(text), of_a_day)
    else:
        moment = datetime.fromisoformat(text) if text else otherwise
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _faults_of(form: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """What Twilio finds wrong, in the order it looks: its number for the error, and its words."""
    to, body = form.get("To", ""), form.get("Body", "")
    if not to:
        yield 21604, "A 'To' phone number is required."
    if not form.get("From") and not form.get("MessagingServiceSid"):
        yield 21603, "A 'From' phone number is required."
    if not body and not form.get("MediaUrl") and not form.get("ContentSid"):
        yield 21602, "Message body is required."
    if len(body) > _MAX_BODY_CHARS:
        yield 21617, "The concatenated message body exceeds the 1600 character limit"
    if to in MAGIC_NUMBERS:
        number, message = MAGIC_NUMBERS[to]
        yield number, message.format(to=to)
    if ":" not in to and not _PHONE.fullmatch(to.translate(_PUNCTUATION)):  # "whatsapp:+1..." is a channel's address
        yield 21211, f"The 'To' number {to} is not a valid phone number."


def _action_key(status_callback: str) -> str | None:
    try:
        return URL(status_callback).query.get("action_key")
    except ValueError:
        return None


def _unauthorized(request: web.Request) -> web.Response | None:
    expected = request.app.get(CREDENTIALS)
    if expected is None:
        return None
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    if secrets.compare_digest(given.encode(), ":".join(expected).encode()):
        return None
    return twilio_error(401, 20003, "Authenticate")
