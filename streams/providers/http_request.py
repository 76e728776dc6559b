"""`http_request` (alias `webhook`): one request to an address of the workflow's author, behind the connection guard."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from yarl import URL

from domain.action import ActionContext, ActionResult, WorkflowAction
from domain.contact import Contact
from streams.providers.connection_guard import AddressRefused, AllowList, guarded_sockets
from streams.providers.failure import failure_of
from streams.providers.http_answer import HttpAnswer, read_answer, result_of
from streams.providers.http_call import HttpCall, InvalidRequest, RedirectRefused
from streams.providers.settings import HttpSettings
from streams.providers.webhook_signature import signature_headers

MAX_REDIRECTS: Final = 3
_LONGEST_CONNECT_S: Final = 10.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class TooManyRedirects(aiohttp.ClientError):
    """More redirects than are followed."""


class CallCutOff(aiohttp.ClientError):
    """The connection broke in the middle of the call."""


class HttpRequestAction(WorkflowAction):
    """Makes one HTTP request; output: `status_code`, `headers`, `body`, and what `save` asks for."""

    action_type = "http_request"
    channel = "http"

    def __init__(self, settings: HttpSettings, *, connections: int = 64) -> None:
        self._allow = AllowList(settings.allow)
        self._connections = connections
        self._guarded: aiohttp.ClientSession | None = None
        self._trusted: aiohttp.ClientSession | None = None

    async def execute(self, contact: Contact, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:  # noqa: ARG002
        """Make the request that `config` describes, with the action key as `Idempotency-Key`."""
        context = ActionContext.current()
        asked_ms = config.get("timeout_ms")
        timeout_s = min(context.timeout_s, asked_ms / 1000) if asked_ms else context.timeout_s
        try:
            call = _call(config, context)
            answer = await self._answer(call, timeout_s)
        except (InvalidRequest, aiohttp.InvalidURL) as error:
            return ActionResult.failed("http_invalid_request", f"The request could not be made: {error}")
        except RedirectRefused as error:
            return ActionResult.failed("http_redirect_refused", str(error))
        except TooManyRedirects:
            return ActionResult.failed(
                "http_redirects", f"More than {MAX_REDIRECTS} redirects; none further was followed"
            )
        except (OSError, aiohttp.ClientError) as error:
            return _refused_address(error) or failure_of(error) or ActionResult.unknown("connection_lost", str(error))
        return result_of(answer, success=config.get("success"), save=config.get("save"))

    def validate_config(self, config: dict[str, Any]) -> bool:
        """A request needs a `url`."""
        return bool(config.get("url"))

    async def close(self) -> None:
        """Close the connections."""
        for session in (self._guarded, self._trusted):
            if session is not None:
                await session.close()
        self._guarded = self._trusted = None

    async def _answer(self, call: HttpCall, timeout_s: float) -> HttpAnswer:
        """Follow redirects by hand: each hop's host chooses its guard, and no header goes to a foreign origin."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            left_s = max(ends_at - loop.time(), 0.001)
            async with self._session(call.url).request(
                call.method,
                call.url,
                headers=call.headers,
                data=call.body,
                timeout=aiohttp.ClientTimeout(total=left_s, connect=min(_LONGEST_CONNECT_S, left_s / 2)),
                allow_redirects=False,
            ) as response:
                target = _redirect(response.status, response.headers)
                if target is None:
                    return await read_answer(response)
                call = call.redirected(response.status, target)
        raise TooManyRedirects

    def _session(self, url: URL) -> aiohttp.ClientSession:
        if self._allow.names(url.host or ""):
            self._trusted = self._trusted or _open_session(
                aiohttp.TCPConnector(limit=self._connections, force_close=True)
            )
            return self._trusted
        if self._guarded is None:
            sockets = guarded_sockets(self._allow.networks)
            self._guarded = _open_session(
                aiohttp.TCPConnector(limit=self._connections, force_close=True, socket_factory=sockets)
            )
        return self._guarded


def _call(config: dict[str, Any], context: ActionContext) -> HttpCall:
    key, secret = context.idempotency_key, config.get("sign")
    call = HttpCall.of(config, key, homebound=context.has_secrets or secret is not None)
    return call if secret is None else call.with_headers(signature_headers(secret, key, call.body or b"", _now_s()))


def _now_s() -> int:
    return int(time.time())  # the receiver's clock is real, whatever the engine's is


def _open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),  # one contact's cookies never reach another one's call
        trust_env=False,  # a proxy would connect for us, past the guard
        middlewares=(_once,),
    )


async def _once(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """Turn a broken connection into an error that aiohttp does not repeat (it re-sends GET, PUT and DELETE)."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise CallCutOff from error


def _redirect(status: int, headers: Mapping[str, str]) -> str | None:
    return headers.get("Location") if status in _REDIRECTS else None


def _refused_address(error: BaseException) -> ActionResult | None:
    refused = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if not isinstance(refused, AddressRefused):
        return None
    return ActionResult.failed(
        "http_address_refused",
        f"{refused.address} is not a public address, so no connection was made; if it is meant to be reached, add the"
        " host or its network to HEADRACE_HTTP_ALLOW",
    )
