"""Problems: why a request was not done, as RFC 9457 wants it told."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from domain.errors import HeadraceError

CONTENT_TYPE = "application/problem+json"


class Problem(HeadraceError):
    """The request could not be done; the server's log says why."""

    status: int = 500
    code: str = "internal_error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        super().__init__(detail)
        self.code = code or self.code
        self.headers = dict(headers or {})
        self.extras = extras


class BadRequest(Problem):
    """The request could not be understood."""

    status = 400
    code = "bad_request"


class Forbidden(Problem):
    """The request is not allowed."""

    status = 403
    code = "forbidden"


class NotFound(Problem):
    """There is nothing of this name."""

    status = 404
    code = "not_found"


class Conflict(Problem):
    """The request does not fit the state of things."""

    status = 409
    code = "conflict"


class TooLarge(Problem):
    """The request's body is over 1 MiB; definitions and events must be smaller."""

    status = 413
    code = "too_large"


class UnsupportedMediaType(Problem):
    """The body's content type is not one that this route reads."""

    status = 415
    code = "unsupported_media_type"


class Misdirected(Problem):
    """This server does not answer for the host that the request names."""

    status = 421
    code = "misdirected_request"


class Unprocessable(Problem):
    """The request was understood and does not hold together."""

    status = 422
    code = "invalid"


class Unavailable(Problem):
    """A part that is needed cannot be reached at the moment; try again."""

    status = 503
    code = "unavailable"


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    instance: str,
    headers: Mapping[str, str] | None = None,
    extras: Mapping[str, Any] | None = None,
) -> web.Response:
    """The problem as a response."""
    problem = {
        "type": f"urn:headrace:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        **(extras or {}),
    }
    return web.Response(
        body=msgspec.json.encode(problem), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {})
    )
