"""SendGrid's `POST /v3/mail/send`."""

import secrets
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from aiohttp import web

from headrace.sandbox.exchange import exchange
from headrace.sandbox.faults import Fault
from headrace.sandbox.ledger import cut, rfc3339_now

API_KEY: Final = web.AppKey("sendgrid_api_key", str)
_HELP: Final = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"


class EmailCall:
    """One mail, to the recipients of all its personalizations."""

    channel = "email"

    def __init__(self, mail: dict[str, Any]) -> None:
        self._mail = mail
        self._recipients = list(_recipients(mail))
        self.to = self._recipients[0][1] if self._recipients else ""
        self.action_key = _arg(mail, self._recipients[0][0] if self._recipients else {}, "action_key")

    def refusal(self) -> web.Response | None:
        """SendGrid's error for what is missing or wrong."""
        found = next(_faults_of(self._mail), None)
        return None if found is None else sendgrid_error(400, *found)

    def messages(self) -> list[dict[str, Any]]:
        """One message for each recipient, all with the id of the one request."""
        provider_id = secrets.token_urlsafe(16)
        return [self._message(personal, to, provider_id) for personal, to in self._recipients]

    def answer(self, messages: list[dict[str, Any]]) -> web.Response:
        """202, no body, the id in a header."""
        return web.Response(status=202, headers={"X-Message-Id": messages[0]["provider_id"]})

    def error(self, fault: Fault) -> web.Response:
        """The fault's status."""
        return sendgrid_error(fault.status, fault.message or "A fault that the sandbox was told to play", None)

    def _message(self, personal: dict[str, Any], to: str, provider_id: str) -> dict[str, Any]:
        texts = {each["type"]: each["value"] for each in self._mail.get("content") or ()}
        template = self._mail.get("template_id")
        html = texts.get("text/html")
        body = texts.get("text/plain") or html or (f"[template {template}]" if template else "")
        message = {
            "channel": "email",
            "to": to,
            "subject": personal.get("subject") or self._mail.get("subject"),
            "body": cut(body),
            "provider_id": provider_id,
            "action_key": _arg(self._mail, personal, "action_key"),
            "at": rfc3339_now(),
            "from": self._mail["from"]["email"],
        }
        optional = {
            "html": cut(html) if html and html != body else None,
            "template_id": template,
            "data": personal.get("dynamic_template_data"),
            "custom_args": _args(self._mail, personal) or None,
        }
        return message | {name: value for name, value in optional.items() if value is not None}


def sendgrid_error(status: int, message: str, field: str | None) -> web.Response:
    """An error in SendGrid's own shape."""
    return web.json_response({"errors": [{"message": message, "field": field, "help": _HELP}]}, status=status)


def add_sendgrid(app: web.Application) -> None:
    """Serve the mail send resource."""
    app.router.add_post("/v3/mail/send", _send)


def is_authorized(request: web.Request) -> bool:
    """Whether the request carries the key (any, when none was set)."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    expected = request.app.get(API_KEY)
    return (
        scheme == "Bearer"
        and bool(key)
        and not (expected and not secrets.compare_digest(key.encode(), expected.encode()))
    )


async def _send(request: web.Request) -> web.StreamResponse:
    if not is_authorized(request):
        return sendgrid_error(401, "The provided authorization grant is invalid, expired, or revoked", None)
    try:
        mail = msgspec.json.decode(await request.read())
    except msgspec.DecodeError:
        return sendgrid_error(400, "Bad Request", None)
    if not isinstance(mail, dict):
        return sendgrid_error(400, "Bad Request", None)
    return await exchange(request, EmailCall(mail))


def _recipients(mail: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for personal in _dicts(mail.get("personalizations")):
        for to in _dicts(personal.get("to")):
            if isinstance(to.get("email"), str) and to["email"]:
                yield personal, to["email"]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _args(mail: dict[str, Any], personal: dict[str, Any]) -> dict[str, str]:
    """All custom arguments; a personalization's own hide the mail's."""
    held = [holder.get("custom_args") for holder in (mail, personal)]
    return {str(name): str(value) for given in held if isinstance(given, dict) for name, value in given.items()}


def _arg(mail: dict[str, Any], personal: dict[str, Any], name: str) -> str | None:
    return _args(mail, personal).get(name)


def _faults_of(mail: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What SendGrid finds wrong: its words, and the field they are about."""
    personals, sender, recipients = _dicts(mail.get("personalizations")), mail.get("from"), list(_recipients(mail))
    if not personals:
        yield (
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
        )
    if not recipients:
        yield "The to array is required for all personalization objects.", "personalizations.0.to"
    for number, (_, to) in enumerate(recipients):
        if "@" not in to:
            yield "Does not contain a valid address.", f"personalizations.0.to.{number}.email"
    if not isinstance(sender, dict) or "@" not in str(sender.get("email")):
        yield "The from object must be provided for every email send.", "from.email"
    if not mail.get("template_id"):
        if not mail.get("subject") and not all(personal.get("subject") for personal in personals):
            yield "The subject is required. You can get around this requirement if you use a template.", "subject"
        yield from _content_faults(mail)


def _content_faults(mail: dict[str, Any]) -> Iterator[tuple[str, str]]:
    content = _dicts(mail.get("content"))
    if not content:
        yield "Unless a valid template_id is provided, the content parameter is required.", "content"
    for number, each in enumerate(content):
        if not isinstance(each.get("type"), str):
            yield "The content type is required.", f"content.{number}.type"
        if not isinstance(each.get("value"), str) or not each["value"]:
            yield (
                "The content value must be a string at least one character in length.",
                f"content.{number}.value",
            )
