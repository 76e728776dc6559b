"""`headrace api`: the HTTP API and the pages. Any number of them may run."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from psycopg_pool import AsyncConnectionPool

from headrace.engine_clock import EngineClock
from headrace.kafka_parts import kafka_log, kafka_of, partitions_of
from headrace.metrics import RoleMetrics
from headrace.plug_ins import load_plug_ins
from headrace.role import database_of, run_role
from headrace.secrets import known_secret_names
from headrace.serving import database_pool, http_api
from headrace.settings import Settings, topics_of
from projections.migrations import migrate

_log = structlog.get_logger(__name__)


def run_api(settings: Settings) -> int:
    """Run until told to stop; gives the exit code."""
    kafka, database_url = kafka_of(settings), database_of(settings)
    load_plug_ins()
    secret_names = known_secret_names(settings)

    async def start(stack: contextlib.AsyncExitStack, _on_crash: Callable[[BaseException], None]) -> None:
        await asyncio.to_thread(migrate, database_url)
        log = await stack.enter_async_context(kafka_log(kafka, topics_of(settings)))
        pool: AsyncConnectionPool = await stack.enter_async_context(database_pool(database_url))
        partitions, metrics = await partitions_of(log), RoleMetrics("api")
        url = await stack.enter_async_context(
            http_api(
                settings,
                log,
                EngineClock(),
                pool,
                database_url,
                partitions=partitions,
                metrics=metrics,
                secret_names=secret_names,
            )
        )
        _log.info("api.listening", url=url)

    return run_role("api", settings, start)
