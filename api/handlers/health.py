"""Health: whether this process lives, and whether it can serve."""

import asyncio

import psycopg
import structlog
from aiohttp import web
from psycopg_pool import PoolTimeout

from api.database import fetch_all
from api.metrics import metrics_response
from api.problems import Unavailable
from api.responses import respond
from api.services import SERVICES, Services
from api.stuck import count_stuck
from domain.errors import HeadraceError
from schemas.api_resources import Health
from schemas.topics import JOURNAL

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 2.0
OPENAPI: web.AppKey[bytes] = web.AppKey("openapi", bytes)


async def healthz(_: web.Request) -> web.Response:
    """This process answers."""
    return respond(Health(status="ok"), omit_null=True)


async def readyz(request: web.Request) -> web.Response:
    """The database and the log answer; `lag` tells how far the read side is behind."""
    services = request.app[SERVICES]
    shown, written = await asyncio.gather(_shown(services), _written(services), return_exceptions=True)
    database = "unreachable" if isinstance(shown, BaseException) else "ok"
    log = "unreachable" if isinstance(written, BaseException) else "ok"
    if isinstance(shown, BaseException) or isinstance(written, BaseException):
        message = f"not ready: the database is {database}, the log is {log}"
        raise Unavailable(message, code="not_ready", database=database, log=log)
    lag = sum(max(end - shown.get(partition, 0), 0) for partition, end in written.items())
    return respond(Health(status="ready", database=database, log=log, lag=lag))


async def _shown(services: Services) -> dict[int, int]:
    """How far the read side has come in each partition of the journal."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        rows = await fetch_all(services.database, "journal_checkpoints", {"topic": JOURNAL})
    return {row["partition"]: row["offset"] for row in rows}


async def _written(services: Services) -> dict[int, int]:
    """How far each partition of the journal reaches."""
    numbers = range(services.partitions)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        ends = await asyncio.gather(*(services.commands.end_offset(JOURNAL, number) for number in numbers))
    return dict(zip(numbers, ends, strict=True))


async def metrics(request: web.Request) -> web.Response:
    """Metrics in Prometheus's text format, of all that runs in this process."""
    services = request.app[SERVICES]
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await services.metrics.look(services.database)
            services.metrics.stuck(await count_stuck(services))
    except (psycopg.Error, PoolTimeout, TimeoutError, OSError, HeadraceError) as error:  # the others are still wanted
        log.warning("metrics.read_side_unreadable", error=type(error).__name__)
    return metrics_response(await services.metrics.text())


async def openapi(request: web.Request) -> web.Response:
    """This API as an OpenAPI 3.1 document."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")
