"""The middleware that keeps other web sites out: host names, cross-site writes, and headers for browsers."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from api.problems import Forbidden, Misdirected
from api.services import SERVICES

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "headrace",
}
_FOR_MACHINES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for by whatever name a machine knows this one by; they tell nothing of anybody."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells browsers to run no script, to guess no type, to frame nothing and to keep no copy of personal data."""
    response = await handler(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    public = request.path.startswith("/static/")
    response.headers.setdefault("Cache-Control", "no-cache" if public else "no-store")
    return response


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses foreign host names (DNS rebinding) and writes that another web site makes a browser send."""
    if request.path not in _FOR_MACHINES:
        _check_host(request)
    if request.method not in _SAFE:
        _check_origin(request)
    return await handler(request)


def _check_host(request: web.Request) -> None:
    allowed = request.app[SERVICES].require_host
    if allowed is None:
        return
    host = request.host.lower()
    if host not in allowed and _name(host) not in allowed:
        names = ", ".join(sorted(allowed))
        message = f"expected a request to one of {names}; found the host {host[:100]!r}"
        raise Misdirected(message)


def _name(host: str) -> str:
    """The host without its port; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return "".join(host.partition("]")[:2])
    return host.partition(":")[0]


def _check_origin(request: web.Request) -> None:
    """Browsers send one of these headers with every write that a page of theirs starts; other clients neither.

    `same-site` is refused too: another port of localhost counts as the same site.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    if site not in ("same-origin", "none") or (origin is not None and _authority(origin) != request.host.lower()):
        message = "a page of another web site may not write here"
        raise Forbidden(message, code="cross_site_write")


def _authority(origin: str) -> str:
    try:
        return URL(origin).authority.lower()
    except ValueError:
        return ""
