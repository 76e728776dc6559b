"""Everything in one process on the embedded log: log, engine, projector, read side, API. Used by `headrace dev`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from psycopg_pool import AsyncConnectionPool

from api.app import create_api
from api.progress import ReadSideProgress
from api.services import Services
from domain.action import ActionRegistry
from headrace.engine_clock import EngineClock
from headrace.settings import Settings
from projections.projector import Projector
from schemas.definition import compile_workflow
from schemas.event_log import EventLog
from schemas.topics import DEFINITION_COMMANDS, DEFINITIONS, Topics
from streams.agents import agents
from streams.delivery import Delivery
from streams.embedded.log import EmbeddedEventLog
from streams.engine_host import EngineHost
from streams.faust_app import FaustHost, build_faust_app, register_agent
from streams.partition_settings import PartitionSettings

CALLS_MAY_TAKE_S: Final = 10.0
"""How long a clean stop lets calls to providers finish."""
NOTABLE_MS: Final = 5_000
_log = structlog.get_logger(__name__)


def topics_of(settings: Settings) -> Topics:
    """The topics' names of this installation."""
    return Topics(contact_events=settings.contact_events_topic)


async def create_topics(log: EventLog, topics: Topics, partitions: int) -> None:
    """Make what is missing; the same number of partitions for all that is keyed by contact.

    Raises:
        TopicMismatch: the log was made with another number of partitions.
    """
    for topic in topics.by_contact:
        await log.create_topic(topic, partitions)
    for topic in (DEFINITION_COMMANDS, DEFINITIONS):
        await log.create_topic(topic, 1)


@contextlib.asynccontextmanager
async def embedded_log(settings: Settings, clock: EngineClock) -> AsyncIterator[EventLog]:
    """The log in the data directory, with all topics."""
    log = await EmbeddedEventLog.open(settings.data_dir / "log", clock=clock, fsync=settings.fsync)
    try:
        await create_topics(log, topics_of(settings), settings.partitions)
        yield log
    finally:
        await log.close()


@contextlib.asynccontextmanager
async def engine(
    settings: Settings,
    log: EventLog,
    clock: EngineClock,
    actions: ActionRegistry,
    on_crash: Callable[[BaseException], None],
) -> AsyncIterator[None]:
    """The engine, its agents hosted by Faust, from opening the partitions to a clean stop."""
    scale = settings.time_scale
    defaults = PartitionSettings(directory=Path())
    host = EngineHost(
        log,
        partitions=settings.partitions,
        clock=clock,
        compile_=lambda document, workflow_id, version, templates, accept: compile_workflow(
            document, workflow_id=workflow_id, version=version, templates=templates, accept=accept
        ),
        actions=actions,
        settings=PartitionSettings(
            directory=settings.data_dir / "store",
            topics=topics_of(settings),
            time_scale=scale,
            from_start_fires=settings.from_start_fires,
            start_within_ms=int(defaults.start_within_ms * scale),
            answer_within_ms=int(defaults.answer_within_ms * scale),
        ),
        on_crash=on_crash,
    )
    await host.open()
    behind_ms = clock.advance_to(host.last_time_ms)
    if behind_ms > NOTABLE_MS and scale == 1:
        _log.warning(
            "clock.ahead", days=round(behind_ms / 86_400_000, 2), reason="the journal was written with a faster clock"
        )
    app = build_faust_app(
        app_id="headrace", log=log, delivery=Delivery(start_position=host.start_position, on_crash=on_crash)
    )
    for topic, handler in agents(host, topics_of(settings)).items():
        register_agent(app, topic, handler)
    faust = FaustHost(app)
    await faust.start()
    host.start(faust.seek)
    try:
        yield
    finally:
        host.release()
        await faust.stop()
        await host.stop(CALLS_MAY_TAKE_S)
        await actions.close()


@contextlib.asynccontextmanager
async def read_side(
    log: EventLog, database_url: str, on_crash: Callable[[BaseException], None]
) -> AsyncIterator[AsyncConnectionPool]:
    """The projector at work, and a pool of connections for the API."""
    projector = Projector(log, database_url)
    task = asyncio.create_task(projector.run())
    task.add_done_callback(lambda done: _tell(done, on_crash))
    async with AsyncConnectionPool(database_url, min_size=1, max_size=8, open=False) as pool:
        try:
            yield pool
        finally:
            projector.stop()
            await asyncio.gather(task, return_exceptions=True)


def _tell(task: asyncio.Task[None], on_crash: Callable[[BaseException], None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.critical("projector.crashed", error=str(error))
        on_crash(error)


@contextlib.asynccontextmanager
async def http_api(
    settings: Settings,
    log: EventLog,
    clock: EngineClock,
    pool: AsyncConnectionPool,
    database_url: str,
    sandbox_url: str | None,
) -> AsyncIterator[str]:
    """The API and the pages, listening; gives their base URL."""
    services = Services(
        database=pool,
        commands=log,
        progress=ReadSideProgress(database_url, pool, partitions=settings.partitions),
        clock=clock,
        partitions=settings.partitions,
        topics=topics_of(settings),
        wait_seconds=settings.wait_seconds,
        sandbox_url=sandbox_url,
        require_host=frozenset({"127.0.0.1", "localhost", "[::1]", "::1", settings.host}),
    )
    runner = web.AppRunner(create_api(services), access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    await site.start()
    try:
        yield f"http://{settings.host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
