"""A small server that tells whether a process lives, and whether it does its work: for roles that have no API."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import web

from headrace.metrics import RoleMetrics, add_metrics_route

Readiness = Callable[[], tuple[bool, Mapping[str, Any]]]
"""Whether the process does its work now, and what is to be known about that."""


@contextlib.asynccontextmanager
async def health_server(
    host: str, port: int, readiness: Readiness, metrics: RoleMetrics | None = None
) -> AsyncIterator[str]:
    """Answers `GET /healthz` with 200, `GET /readyz` with 200 or 503, and `GET /metrics`; gives the base URL."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        ready, facts = readiness()
        body = {"status": "ready" if ready else "not_ready", **facts}
        return web.json_response(body, status=200 if ready else 503)

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    if metrics is not None:
        add_metrics_route(app, metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
