"""The log and the engine in one process, on the embedded log. Used by `headrace dev`."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from domain.action import ActionRegistry
from headrace.compiling import compile_document
from headrace.engine_clock import EngineClock
from headrace.engine_settings import (
    answer_within_ms_of,
    ask_after_ms_of,
    hold_late_ms_of,
    per_second_of,
    start_within_ms_of,
)
from headrace.metrics import RoleMetrics
from headrace.secrets import load_secrets
from headrace.settings import Settings, topics_of
from schemas.event_log import EventLog
from schemas.topics import DEFINITION_COMMANDS, DEFINITIONS, Topics
from streams.agents import agents
from streams.delivery import Delivery
from streams.embedded.log import EmbeddedEventLog
from streams.engine_host import EngineHost
from streams.faust_app import FaustHost, build_faust_app, register_agent
from streams.gauges import EngineGauges
from streams.metrics import EngineMetrics
from streams.partition_settings import PartitionSettings

CALLS_MAY_TAKE_S: Final = 10.0
"""How long a clean stop lets calls to providers finish."""
NOTABLE_MS: Final = 5_000
_log = structlog.get_logger(__name__)


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
    metrics: RoleMetrics,
) -> AsyncIterator[None]:
    """The engine, its agents hosted by Faust, from opening the partitions to a clean stop."""
    scale = settings.time_scale
    host = EngineHost(
        log,
        partitions=settings.partitions,
        clock=clock,
        compile_=compile_document,
        actions=actions,
        settings=PartitionSettings(
            directory=settings.data_dir / "store",
            topics=topics_of(settings),
            partitions=settings.partitions,
            time_scale=scale,
            from_start_fires=settings.from_start_fires,
            hold_late_ms=hold_late_ms_of(settings),
            ask_after_ms=ask_after_ms_of(settings),
            phone_region=settings.phone_region,
            per_second=per_second_of(settings),
            start_within_ms=start_within_ms_of(settings),
            answer_within_ms=answer_within_ms_of(settings),
        ),
        on_crash=on_crash,
        metrics=EngineMetrics(metrics.registry),
        secrets=load_secrets(settings),
        drain_per_second=settings.drain_per_second,
    )
    metrics.before_reading(EngineGauges(metrics.registry, host, log, topics_of(settings).inputs).look)
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
