"""The page that tells a browser why there is no other page."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from api.pages.view import environment

_FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/static/")


def wants_page(request: web.Request) -> bool:
    """Whether the answer is for a person at a browser."""
    return not request.path.startswith(_FOR_PROGRAMS) and "text/html" in request.headers.get("Accept", "")


def error_page(status: int, detail: str, *, headers: Mapping[str, str]) -> web.Response:
    """A page with the error in plain words; it asks no database, which may be what failed."""
    text = (
        environment().get_template("error.html").render(title=HTTPStatus(status).phrase, status=status, detail=detail)
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=dict(headers))
