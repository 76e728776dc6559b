"""A write: append the wish to the log, wait until the read side shows its result, then answer with what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from aiohttp import web

from api.database import Row, fetch_all
from api.idempotency import (
    IssuedCommands,
    idempotency_key,
    key_range,
    key_reused,
    keyed_command_id,
    random_command_id,
)
from api.problems import Conflict, NotFound, Problem, Unavailable
from api.requests import prefers_async
from api.responses import respond
from api.services import SERVICES, Services
from domain.errors import HeadraceError
from schemas.api_resources import Pending
from schemas.event_log import NewRecord

log = structlog.get_logger(__name__)

COMMANDS_PATH: Final = "/api/v1/commands"
ISSUED: web.AppKey[IssuedCommands] = web.AppKey("issued", IssuedCommands)

Answer = Callable[[Row], Awaitable[web.StreamResponse]]
Explain = Callable[[Row], Awaitable[Mapping[str, Any]]]


async def _nothing_more(_: Row) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Write:
    """One wish: its record, and how to answer once its result (a row of `command_results`) is there."""

    command_id: UUID
    record: NewRecord
    answer: Answer
    also: tuple[NewRecord, ...] = ()
    """What is appended with it, all or nothing."""
    explain: Explain = _nothing_more
    """What the problem of a rejection says beyond code and reason."""
    workflow_id: UUID | None = None
    """Of a new workflow: told in a 202, because nobody else knows it yet."""


async def new_command_id(request: web.Request) -> UUID:
    """The id of the request's command: made of its `Idempotency-Key`, path, query and body, else random."""
    key = idempotency_key(request)
    if key is None:
        return random_command_id()
    content = request.query_string.encode() + b"\n" + await request.read()
    return keyed_command_id(f"{request.method} {request.path}", key, content)


async def perform(request: web.Request, write: Write) -> web.StreamResponse:
    """Do it: answers 202 when the result does not show in time, or at once with `Prefer: respond-async`.

    Raises:
        NotFound, Conflict: the engine rejected the command.
        Unprocessable: the `Idempotency-Key` was used before with other content.
    """
    services = request.app[SERVICES]
    deadline = asyncio.get_running_loop().time() + services.wait_seconds
    result = await _earlier_result(request, write.command_id)
    if result is None:
        await _append(request, write)
        if prefers_async(request):
            return _pending(write, headers={"Preference-Applied": "respond-async"})
        result = await services.progress.result(write.command_id, seconds=services.wait_seconds)
    if result is None:
        return _pending(write)
    if result["result"] == "rejected":
        raise await _rejection(result, write.explain)
    if not await _in_force(services, result, deadline):
        return _pending(write)
    return await write.answer(result)


async def _earlier_result(request: web.Request, command_id: UUID) -> Row | None:
    """The result of the same request when it was made before with the same key."""
    if idempotency_key(request) is None:
        return None
    lowest, highest = key_range(command_id)
    parameters = {"lowest": str(lowest), "highest": str(highest)}
    rows = await fetch_all(request.app[SERVICES].database, "command_results_of_key", parameters)
    same = [row for row in rows if row["command_id"] == str(command_id)]
    if rows and not same:
        raise key_reused()
    return same[0] if same else None


async def _append(request: web.Request, write: Write) -> None:
    issued = request.app[ISSUED]
    issued.add(write.command_id)
    try:
        await request.app[SERVICES].commands.append([write.record, *write.also])
    except (OSError, HeadraceError) as error:
        issued.discard(write.command_id)
        log.warning("api.log_unavailable", topic=write.record.topic, error=type(error).__name__)
        message = "the log did not take this; try again with the same Idempotency-Key"
        raise Unavailable(message, code="log_unavailable", headers={"Retry-After": "1"}) from error


async def _in_force(services: Services, result: Row, deadline: float) -> bool:
    """Whether every partition goes by what a definition command changed; other commands have nothing to wait for."""
    offset = result["definition_offset"]
    if offset is None:
        return True
    left = deadline - asyncio.get_running_loop().time()
    return await services.progress.in_force(offset, seconds=left)


async def _rejection(result: Row, explain: Explain) -> Problem:
    kind = NotFound if result["code"] == "not_found" else Conflict
    extras = await explain(result)
    return kind(result["reason"], code=result["code"], command_id=result["command_id"], **extras)


def _pending(write: Write, headers: Mapping[str, str] | None = None) -> web.Response:
    body = Pending(command_id=write.command_id, workflow_id=write.workflow_id)
    location = {"Location": f"{COMMANDS_PATH}/{write.command_id}"}
    return respond(body, status=202, headers=location | dict(headers or {}), omit_null=True)
