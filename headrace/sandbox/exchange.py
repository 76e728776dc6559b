"""One call of a provider, from its arrival to its end: the fault that is played, what is accepted, what is answered.

The three providers differ in how they read a call and word their answers; this is what they have in common.
"""

import asyncio
import socket
import struct
from typing import Any, Final, Protocol

from aiohttp import web

from headrace.sandbox.callbacks import Callbacks
from headrace.sandbox.delivery import UNDELIVERED, Delivery
from headrace.sandbox.faults import Fault, Faults
from headrace.sandbox.keys import SandboxKeys
from headrace.sandbox.ledger import Ledger, rfc3339_now

LEDGER: Final = web.AppKey("ledger", Ledger)
CALLBACKS: Final = web.AppKey("callbacks", Callbacks)
KEYS: Final = web.AppKey("keys", SandboxKeys)
DELIVERY: Final = web.AppKey("delivery", Delivery)
FAULTS: Final = web.AppKey("faults", Faults)
STOPPING: Final = web.AppKey("stopping", asyncio.Event)


class Provider(Protocol):
    """What a provider says about one call it was sent."""

    channel: str
    to: str
    action_key: str | None

    def refusal(self) -> web.Response | None:
        """The error that the call deserves by itself, or None."""
        ...

    def messages(self) -> list[dict[str, Any]]:
        """What the call puts in the inbox."""
        ...

    def answer(self, messages: list[dict[str, Any]]) -> web.Response:
        """The answer to a call that was accepted."""
        ...

    def error(self, fault: Fault) -> web.Response:
        """The answer that a `status` fault asks for, worded as the provider does."""
        ...


async def exchange(request: web.Request, call: Provider) -> web.StreamResponse:
    """Take a call, or play a fault on it, and remember it."""
    fault = request.app[FAULTS].draw(call.channel, call.to)
    kind = fault.kind if fault else None
    if fault is not None and kind == "status":
        refused = call.error(fault)
        if fault.retry_after is not None:
            refused.headers["Retry-After"] = f"{fault.retry_after:g}"
        return _seen(request, call, refused, kind=kind)
    if kind in ("hang", "reset_before_accept"):
        _seen(request, call, None, kind=kind)
        return await (_silence(request) if kind == "hang" else _reset(request))
    refusal = call.refusal()
    if refusal is not None:
        return _seen(request, call, refusal, kind=kind)
    answer = _accept(request, call, fault)
    if kind == "reset_after_accept":
        return await _reset(request)
    if fault is not None and kind == "delay":  # taken at once, answered late
        await _wait(request, fault.delay_s)
    return answer


def _accept(request: web.Request, call: Provider, fault: Fault | None) -> web.Response:
    kind, ledger = fault.kind if fault else None, request.app[LEDGER]
    messages = call.messages()
    answer = call.answer(messages)
    for message in messages:
        ledger.accept(message)
    provider_id = messages[0]["provider_id"] if messages else None
    _seen(request, call, None if kind == "reset_after_accept" else answer, kind=kind, provider_id=provider_id)
    lost_code = (fault.code or UNDELIVERED) if fault and kind == "undelivered" else None
    for message in messages:
        request.app[DELIVERY].begin(message, lost_code)
    return answer


def _seen(
    request: web.Request,
    call: Provider,
    answer: web.Response | None,
    *,
    kind: str | None,
    provider_id: str | None = None,
) -> web.Response:
    request.app[LEDGER].saw(
        {
            "at": rfc3339_now(),
            "channel": call.channel,
            "method": request.method,
            "path": request.path,
            "to": call.to,
            "action_key": call.action_key,
            "accepted": provider_id is not None,
            "provider_id": provider_id,
            "status": answer.status if answer else None,
            "fault": kind,
        }
    )
    return answer or web.Response()


async def _reset(request: web.Request) -> web.StreamResponse:
    """Break the connection with a TCP reset, as a dying proxy does."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()


async def _silence(request: web.Request) -> web.StreamResponse:
    """Answer nothing until the caller goes, or the sandbox stops."""
    while request.transport is not None and not request.transport.is_closing():
        if await _wait(request, 0.25):
            break
    return await _reset(request)


async def _wait(request: web.Request, seconds: float) -> bool:
    """Wait; True when the sandbox stops meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            await request.app[STOPPING].wait()
    except TimeoutError:
        return False
    return True
