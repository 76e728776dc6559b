"""What the API measures: its requests, and what waits for a person."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from api.database import Database, fetch_one
from domain.stuck import ENROLLMENT_REASONS
from schemas import metrics as m

_NO_ROUTE: Final = "unmatched"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ApiMetrics:
    """The API's own figures; `text` gives all that the role shows."""

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        text: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        """Make them, all at zero.

        Args:
            registry: where they are shown.
            text: gives what `/metrics` answers, when the role shows more than the API does.
        """
        self._registry = CollectorRegistry() if registry is None else registry
        self._requests = m.counter(self._registry, "headrace_http_requests_total")
        self._seconds = m.histogram(self._registry, "headrace_http_request_seconds")
        self._incidents = m.gauge(self._registry, "headrace_open_incidents")
        self._dead_letters = m.gauge(self._registry, "headrace_open_dead_letters")
        self._stuck = m.gauge(self._registry, "headrace_stuck_rows")
        self._text = text

    async def look(self, database: Database) -> None:
        """Count what is open, on the read side."""
        found = await fetch_one(database, "count_open", {})
        if found is not None:
            self._incidents.set(found["incidents"])
            self._dead_letters.set(found["dead_letters"])

    def stuck(self, counts: Mapping[str, int]) -> None:
        """So many enrollments look stuck, by reason."""
        for reason in ENROLLMENT_REASONS:
            self._stuck.labels(reason).set(counts.get(reason, 0))

    async def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry) if self._text is None else await self._text()

    def answered(self, request: web.Request, status: int, seconds: float) -> None:
        """A request was answered; its route is told, never its path."""
        resource = request.match_info.route.resource
        method = request.method if request.method in _METHODS else "other"
        route = _NO_ROUTE if resource is None else resource.canonical
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


METRICS: web.AppKey[ApiMetrics] = web.AppKey("metrics", ApiMetrics)


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Times a request. It stands outside of the middleware that makes answers of errors."""
    began = time.perf_counter()
    response = await handler(request)
    request.app[METRICS].answered(request, response.status, time.perf_counter() - began)
    return response


def metrics_response(text: bytes) -> web.Response:
    """The text as Prometheus wants it."""
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
