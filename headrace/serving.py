"""What is the same on every log: the projector at work, and the API and pages listening."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import structlog
from aiohttp import web
from psycopg_pool import AsyncConnectionPool
from yarl import URL

from api.app import create_api
from api.metrics import ApiMetrics
from api.progress import ReadSideProgress
from api.services import Services
from api.webhooks.settings import WebhookSettings
from domain.clock import Clock
from headrace.jobs.child import ChildJobs, environment_of
from headrace.metrics import RoleMetrics
from headrace.providers import webhook_settings
from headrace.settings import Settings, topics_of
from projections.metrics import ProjectionMetrics
from projections.projector import Projector
from schemas.event_log import EventLog

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def read_side(
    log: EventLog,
    database_url: str,
    on_crash: Callable[[BaseException], None],
    *,
    clock: Clock,
    metrics: RoleMetrics,
) -> AsyncIterator[AsyncConnectionPool]:
    """The projector at work, and a pool of connections for the API."""
    at_work = projecting(log, database_url, on_crash, clock=clock, metrics=metrics)
    async with at_work, database_pool(database_url) as pool:
        yield pool


@contextlib.asynccontextmanager
async def projecting(
    log: EventLog,
    database_url: str,
    on_crash: Callable[[BaseException], None],
    *,
    clock: Clock,
    metrics: RoleMetrics,
) -> AsyncIterator[Projector]:
    """The projector at work."""
    measured = ProjectionMetrics(metrics.registry)
    projector = Projector(log, database_url, metrics=measured)
    metrics.before_reading(lambda: measured.look(log, projector.checkpoints, clock))
    task = asyncio.create_task(projector.run())
    task.add_done_callback(lambda done: _tell(done, on_crash))
    try:
        yield projector
    finally:
        projector.stop()
        await asyncio.gather(task, return_exceptions=True)


def database_pool(database_url: str) -> AsyncConnectionPool:
    """Connections for the API; opened when it is entered as a context."""
    return AsyncConnectionPool(database_url, min_size=1, max_size=8, open=False)


def _tell(task: asyncio.Task[None], on_crash: Callable[[BaseException], None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.critical("projector.crashed", error=str(error))
        on_crash(error)


@contextlib.asynccontextmanager
async def http_api(
    settings: Settings,
    log: EventLog,
    clock: Clock,
    pool: AsyncConnectionPool,
    database_url: str,
    *,
    partitions: int,
    metrics: RoleMetrics,
    sandbox_url: str | None = None,
    webhooks: WebhookSettings | None = None,
    secret_names: frozenset[str] | None = None,
    bound: socket.socket | None = None,
) -> AsyncIterator[str]:
    """The API and the pages, listening (on a socket that is `bound` already, if there is one); gives their base URL."""
    services = Services(
        database=pool,
        commands=log,
        progress=ReadSideProgress(database_url, pool, partitions=partitions),
        clock=clock,
        partitions=partitions,
        topics=topics_of(settings),
        metrics=ApiMetrics(metrics.registry, metrics.text),
        wait_seconds=settings.wait_seconds,
        jobs=ChildJobs(environment_of(settings, database_url, sandbox_url)),
        time_scale=settings.time_scale,
        webhooks=webhooks or webhook_settings(settings),
        sandbox_url=sandbox_url,
        secret_names=secret_names,
        require_host=_hosts(settings),
    )
    runner = web.AppRunner(create_api(services), access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.SockSite(runner, bound) if bound else web.TCPSite(runner, settings.host, settings.port)
    await site.start()
    try:
        yield f"http://{settings.host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _hosts(settings: Settings) -> frozenset[str]:
    """The host names that requests may be sent to: our own, and the one that providers know."""
    public = URL(settings.public_url).host if settings.public_url else None
    named = {"127.0.0.1", "localhost", "[::1]", "::1", settings.host}
    return frozenset(named | ({public} if public else set()))
