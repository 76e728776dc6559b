"""SendGrid's Email Activity, as far as it is asked: the messages of a span of time, or the one with a unique argument."""

import re
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from headrace.sandbox.exchange import LEDGER
from headrace.sandbox.sendgrid import is_authorized, sendgrid_error

_SPAN: Final = re.compile(r'last_event_time BETWEEN TIMESTAMP "([^"]+)" AND TIMESTAMP "([^"]+)"')
_ARGUMENT: Final = re.compile(r"""\(?unique_args\['action_key'\]="([^"]+)"\)?""")
_MOST: Final = 1_000
_STATUSES: Final = {"": "processed", "processed": "processed", "deferred": "processed"} | dict.fromkeys(
    ("bounce", "dropped"), "not_delivered"
)


def add_email_activity(app: web.Application) -> None:
    """Serve `GET /v3/messages`."""
    app.router.add_get("/v3/messages", _messages)


async def _messages(request: web.Request) -> web.Response:
    if not is_authorized(request):
        return sendgrid_error(401, "The provided authorization grant is invalid, expired, or revoked", None)
    try:
        limit = min(max(int(request.query.get("limit", "10")), 1), _MOST)
        query = request.query.get("query", "")
        span, argument = _SPAN.fullmatch(query), _ARGUMENT.fullmatch(query)
        since, until = (_moment(text) for text in span.groups()) if span else (datetime.min, datetime.max)  # noqa: DTZ901
    except ValueError:
        return sendgrid_error(400, "invalid query", "query")
    emails = (entry.read() for entry in request.app[LEDGER].inbox.newest_first() if entry.channel == "email")
    found = [one for one in emails if not span or since <= datetime.fromisoformat(one["at"]) <= until]
    if argument:
        found = [one for one in found if one["action_key"] == argument[1]]
    ledger = request.app[LEDGER]
    shown = [(one, ledger.status_of(one["provider_id"], one["to"])) for one in found[:limit]]
    return web.json_response({"messages": [_resource(one, status.status if status else "") for one, status in shown]})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _resource(message: dict[str, Any], event: str) -> dict[str, Any]:
    """A mail as it stands after its last event, with the counts that follow from that."""
    return {
        "from_email": message.get("from"),
        "msg_id": f"{message['provider_id']}.sandbox-1",
        "subject": message.get("subject"),
        "to_email": message["to"],
        "status": _STATUSES.get(event, "delivered"),
        "opens_count": int(event in ("open", "click")),
        "clicks_count": int(event == "click"),
        "last_event_time": message["at"],
    }
