"""Rendering a page."""

from functools import cache
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.database import fetch_one
from api.moment import moment_of
from api.pages.format import compact, due, moment, parse_time, path_segment, pretty, prose, sentence, status_badge
from api.services import SERVICES
from domain.times import format_time

PAGE_SIZE: Final = 50
_REFRESH_SECONDS: Final = 5


async def render(request: web.Request, template: str, **context: Any) -> web.Response:
    """The page as a response; every page knows the sandbox, the open incidents and the engine's time."""
    services = request.app[SERVICES]
    incidents = await fetch_one(services.database, "count_open_incidents", {})
    refresh = request.query.get("refresh") == "on"
    text = (
        environment()
        .get_template(template)
        .render(
            **{"now_ms": services.clock()} | context,
            path=request.path,
            sandbox_url=services.sandbox_url,
            open_incidents=incidents["count"] if incidents else 0,
            refresh_seconds=_REFRESH_SECONDS if refresh else None,
            refresh_link=str(request.rel_url.update_query(refresh="off" if refresh else "on")),
        )
    )
    return web.Response(text=text, content_type="text/html")


def asked_moment(request: web.Request) -> int | None:
    """The moment that the page's form asks about; None when it is now. Raises like `moment_of`.

    A time to the second means the end of that second: pages show times so, and what they show there had happened.
    """
    at = request.query.get("at") or None
    at_ms = moment_of(request, at)
    if at is None or at_ms is None or "." in at or "T" not in at:
        return at_ms
    return min(at_ms + 999, request.app[SERVICES].clock())


def form_time(at_ms: int | None) -> str:
    """A moment as the form's field has it: UTC, to the second."""
    return "" if at_ms is None else format_time(at_ms)[:19]


def next_link(request: web.Request, cursor: str | None) -> str | None:
    """The address of the page that follows, if there is one."""
    return str(request.rel_url.update_query(cursor=cursor)) if cursor else None


@cache
def environment() -> Environment:
    """The templates, with everything escaped that is not markup of our own."""
    made = Environment(
        loader=PackageLoader("api", "pages/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        moment=moment,
        due=due,
        pretty=pretty,
        compact=compact,
        status=status_badge,
        parse_time=parse_time,
        path_segment=path_segment,
        sentence=sentence,
        prose=prose,
    )
    return made
