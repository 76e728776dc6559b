"""`headrace worker`: the engine alone. Any number of them share the partitions."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.compiling import compile_document
from headrace.embedded_runtime import CALLS_MAY_TAKE_S
from headrace.engine_clock import EngineClock
from headrace.engine_settings import (
    answer_within_ms_of,
    ask_after_ms_of,
    hold_late_ms_of,
    per_second_of,
    start_within_ms_of,
)
from headrace.health import health_server
from headrace.kafka_parts import kafka_log, kafka_of
from headrace.kafka_runtime import KafkaEngine, kafka_engine
from headrace.metrics import RoleMetrics
from headrace.providers import actions_for
from headrace.role import run_role
from headrace.secrets import load_secrets
from headrace.settings import Settings, topics_of
from headrace.verifying import ScheduledVerification, verifying
from streams.data_directory import DataDirectory
from streams.kafka.group_member import GroupMember
from streams.partition_settings import PartitionSettings

HEARTBEAT_MS: Final = 250
"""Only its answer tells a worker that partitions move, and all workers wait for the last one that hears of it."""


def run_worker(settings: Settings) -> int:
    """Run until told to stop; gives the exit code."""
    kafka = kafka_of(settings)
    topics = topics_of(settings)
    metrics = RoleMetrics("worker")
    secrets = load_secrets(settings)
    engine: KafkaEngine | None = None
    verification: ScheduledVerification | None = None

    def readiness() -> tuple[bool, Mapping[str, Any]]:
        if engine is None:
            return False, {"partitions": []}
        facts = {
            "partitions": sorted(engine.host.actors),
            "warm": sorted(engine.ownership.warm),
            "awaited": sorted(engine.ownership.awaited),
            "verify": verification.last if verification else {},
        }
        return engine.ownership.settled, facts

    def forget() -> None:
        nonlocal engine
        engine = None

    async def start(stack: contextlib.AsyncExitStack, on_crash: Callable[[BaseException], None]) -> None:
        nonlocal engine, verification
        directory = DataDirectory.acquire(settings.data_dir)
        stack.callback(directory.release)
        stack.callback(forget)
        await stack.enter_async_context(health_server(settings.host, settings.health_port, readiness, metrics))
        log = await stack.enter_async_context(kafka_log(kafka, topics))
        running = kafka_engine(
            log,
            kafka,
            member=member_of(settings),
            settings=PartitionSettings(
                directory=settings.data_dir / "store",
                topics=topics,
                from_start_fires=settings.from_start_fires,
                hold_late_ms=hold_late_ms_of(settings),
                ask_after_ms=ask_after_ms_of(settings),
                phone_region=settings.phone_region,
                per_second=per_second_of(settings),
                start_within_ms=start_within_ms_of(settings),
                answer_within_ms=answer_within_ms_of(settings),
            ),
            clock=EngineClock(),
            compile_=compile_document,
            actions=actions_for(settings, None),
            on_crash=on_crash,
            calls_may_take_s=CALLS_MAY_TAKE_S,
            metrics=metrics,
            secrets=secrets,
            drain_per_second=settings.drain_per_second,
        )
        engine = await stack.enter_async_context(running)
        verification = await stack.enter_async_context(verifying(settings, None, metrics))

    return run_role("worker", settings, start)


def member_of(settings: Settings) -> GroupMember:
    """How this worker is a member of its group: heartbeats tell it of a rebalance, so they are frequent."""
    session_ms = int(settings.kafka_session_timeout * 1000)
    return GroupMember(session_timeout_ms=session_ms, heartbeat_interval_ms=min(session_ms // 3, HEARTBEAT_MS))
