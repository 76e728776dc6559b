"""A target for `http_request` under `/http/`: takes any request and answers what it saw."""

import secrets
from typing import Any

import msgspec
from aiohttp import web

from headrace.sandbox.exchange import exchange
from headrace.sandbox.faults import Fault
from headrace.sandbox.ledger import cut, rfc3339_now


class HttpCall:
    """Any request."""

    channel = "http"

    def __init__(self, request: web.Request, body: bytes) -> None:
        self._request = request
        self._body = body
        self.to = request.path
        self.action_key = request.headers.get("Idempotency-Key")

    def refusal(self) -> web.Response | None:
        """Nothing is refused."""
        return None

    def messages(self) -> list[dict[str, Any]]:
        """The request, as a message to its path."""
        return [
            {
                "channel": "http",
                "to": self.to,
                "subject": f"{self._request.method} {self._request.path_qs}",
                "body": cut(self._body.decode("utf-8", "replace")),
                "provider_id": "REQ" + secrets.token_hex(8),
                "action_key": self.action_key,
                "at": rfc3339_now(),
                "from": self._request.headers.get("User-Agent"),
            }
        ]

    def answer(self, messages: list[dict[str, Any]]) -> web.Response:
        """200 with what was seen; of the headers those that hold no secret."""
        shown = {k: v for k, v in self._request.headers.items() if k.lower() not in ("authorization", "cookie")}
        return web.json_response(
            {
                "id": messages[0]["provider_id"],
                "method": self._request.method,
                "path": self._request.path,
                "query": dict(self._request.query),
                "headers": shown,
                "idempotency_key": self.action_key,
                "body": messages[0]["body"],
                "json": _json(self._body),
            }
        )

    def error(self, fault: Fault) -> web.Response:
        """The fault's status."""
        words = fault.message or "A fault that the sandbox was told to play"
        return web.json_response({"error": words}, status=fault.status)


def add_echo(app: web.Application) -> None:
    """Serve everything under `/http/`."""
    app.router.add_route("*", "/http/{tail:.*}", _any)


async def _any(request: web.Request) -> web.StreamResponse:
    return await exchange(request, HttpCall(request, await request.read()))


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, RecursionError):
        return None
