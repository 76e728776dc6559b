"""The metrics of one process: its registry, whatever its parts put there, and `/metrics`.

metrics = RoleMetrics("worker")
engine = EngineHost(..., metrics=EngineMetrics(metrics.registry))
metrics.before_reading(EngineGauges(metrics.registry, engine, log, topics.inputs).look)
add_metrics_route(app, metrics)  # the API's own app has the route: give `Services` an `ApiMetrics`
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable
from importlib import metadata
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from schemas.metrics import gauge

PATH: Final = "/metrics"
_PATIENCE_S: Final = 2.0
_log = structlog.get_logger(__name__)


def metrics_text(registry: CollectorRegistry) -> bytes:
    """What the registry holds, in Prometheus's text format."""
    return generate_latest(registry)


class RoleMetrics:
    """What one process shows of itself."""

    def __init__(self, role: str) -> None:
        """Make the registry, with the version and the process's own figures in it.

        Args:
            role: how this process was started: `dev`, `worker`, `projector` or `api`.
        """
        self.registry = CollectorRegistry()
        self._looks: list[Callable[[], Awaitable[None]]] = []
        gauge(self.registry, "headrace_build_info").labels(_version(), platform.python_version(), role).set(1)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def before_reading(self, look: Callable[[], Awaitable[None]]) -> None:
        """Have `look` called each time that the metrics are read, to set what stands at that moment."""
        self._looks.append(look)

    async def text(self) -> bytes:
        """All metrics, as they stand now. What can't be found out in time keeps its last figure."""
        await asyncio.gather(*(self._take(look) for look in self._looks))
        return metrics_text(self.registry)

    async def _take(self, look: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await look()
        except Exception as error:  # noqa: BLE001 whatever it is, the other figures are wanted all the more
            _log.warning("metrics.look_failed", error=type(error).__name__)


def add_metrics_route(app: web.Application, metrics: RoleMetrics) -> None:
    """Serve `/metrics`: on the health port of a role that has no API."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=await metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app.router.add_get(PATH, show)


def _version() -> str:
    try:
        return metadata.version("headrace")
    except metadata.PackageNotFoundError:
        return "unknown"
