"""Jobs: long work over the log, done beside the API and told line by line."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from api.ports import JobPort
from api.problems import Conflict, NotFound, Problem
from api.requests import path_text
from api.services import SERVICES
from domain.errors import HeadraceError
from schemas.api_bodies import JobBody

_LINES = "application/x-ndjson"


async def run_job(request: web.Request, body: JobBody) -> web.StreamResponse:
    """Do a job and tell how far it is, a line of JSON each; the last line is its report. Going away ends the job.

    With `Accept: application/json` the answer is the report alone, or a problem.
    """
    jobs = request.app[SERVICES].jobs
    if jobs is None:
        message = "no jobs are done here"
        raise NotFound(message)
    lines = _lines(jobs, path_text(request, "kind"), body.model_extra or {})
    answer = _report if request.headers.get("Accept", "").startswith("application/json") else _stream
    async with contextlib.aclosing(lines):
        return await answer(request, lines)


async def _lines(jobs: JobPort, kind: str, body: dict[str, Any]) -> AsyncGenerator[bytes]:
    try:
        async for line in jobs.run(kind, body):
            yield line
    except HeadraceError as error:
        raise Conflict(str(error), code="busy") from error


async def _report(request: web.Request, lines: AsyncIterator[bytes]) -> web.Response:
    last: dict[str, Any] = {}
    async for line in lines:
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError
        last = msgspec.json.decode(line)
    if last["type"] == "report":
        return web.Response(body=msgspec.json.encode(last["report"]), content_type="application/json")
    raise _problem(last)


async def _stream(request: web.Request, lines: AsyncIterator[bytes]) -> web.StreamResponse:
    response: web.StreamResponse | None = None
    async for line in lines:
        if response is None:
            if line.startswith(b'{"type":"failure"'):
                raise _problem(msgspec.json.decode(line))
            response = web.StreamResponse(headers={"Content-Type": _LINES, "Cache-Control": "no-store"})
            await response.prepare(request)
        try:
            await response.write(line)
        except ConnectionError:  # the caller went away
            return response
    assert response is not None, "a job has a last word"
    await response.write_eof()
    return response


def _problem(failure: dict[str, Any]) -> Problem:
    problem = Problem(failure["detail"], code=failure["code"], **failure.get("extras", {}))
    problem.status = HTTPStatus(failure["status"])
    return problem
