"""The middleware through which every error leaves: as a problem, never as a traceback."""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from api.pages.error import error_page, wants_page
from api.problems import Problem, TooLarge, Unavailable, problem_response

log = structlog.get_logger(__name__)

_CODES: Final = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}
_DETAILS: Final = {404: "there is no such route; /openapi.json lists all of them"}


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns whatever a handler raises into a problem, or into a page for a browser."""
    try:
        return await handler(request)
    except Problem as problem:
        return _answer(request, problem)
    except web.HTTPRequestEntityTooLarge:
        return _answer(request, TooLarge())
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _answer(request, _from_aiohttp(request, error))
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        log.warning("api.database_unavailable", method=request.method, error=type(error).__name__)
        return _answer(request, _database_unavailable())
    except Exception:
        log.exception("api.request_failed", method=request.method, route=_route(request))
        return _answer(request, Problem("the server could not do this; its log says why"))


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> Problem:
    problem = Problem(_DETAILS.get(error.status) or error.reason, code=_CODES.get(error.status, "http_error"))
    problem.status = error.status  # the router knows statuses that have no class here
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        problem.args = (f"{request.method} is not possible here; {allowed} is",)
        problem.headers = {"Allow": allowed}
    return problem


def _database_unavailable() -> Problem:
    return Unavailable(
        "the database cannot be reached at the moment; try again",
        code="database_unavailable",
        headers={"Retry-After": "1"},
    )


def _answer(request: web.Request, problem: Problem) -> web.Response:
    if wants_page(request):
        return error_page(problem.status, str(problem), headers=problem.headers)
    return problem_response(
        problem.status,
        problem.code,
        str(problem),
        instance=request.path,
        headers=problem.headers,
        extras=problem.extras,
    )


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "?"
