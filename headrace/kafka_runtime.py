"""The engine on Kafka, from joining its group to a clean stop. Used by `headrace worker`, and by tests in one process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec

from domain.action import ActionRegistry
from domain.catalogue import Compile
from domain.clock import Clock
from headrace.metrics import RoleMetrics
from streams.agents import agents
from streams.breaker import DRAIN_PER_SECOND
from streams.clock_watch import EVERY_S, ClockWatch
from streams.delivery import Delivery
from streams.engine_host import EngineHost
from streams.faust_app import FaustHost, register_agent
from streams.gauges import EngineGauges
from streams.kafka.faust_app import build_kafka_app
from streams.kafka.group_member import GroupMember
from streams.kafka.log import KafkaEventLog
from streams.kafka.settings import KafkaSettings
from streams.metrics import EngineMetrics
from streams.ownership import Ownership
from streams.partition_settings import PartitionSettings
from streams.secrets import NO_SECRETS, Secrets


class KafkaEngine(msgspec.Struct, frozen=True):
    """What may be asked about a running engine."""

    host: EngineHost
    ownership: Ownership


@contextlib.asynccontextmanager
async def kafka_engine(
    log: KafkaEventLog,
    kafka: KafkaSettings,
    *,
    member: GroupMember,
    settings: PartitionSettings,
    clock: Clock,
    compile_: Compile,
    actions: ActionRegistry,
    on_crash: Callable[[BaseException], None],
    calls_may_take_s: float,
    look_at_clock_every_s: float = EVERY_S,
    metrics: RoleMetrics | None = None,
    secrets: Secrets = NO_SECRETS,
    drain_per_second: float = DRAIN_PER_SECOND,
) -> AsyncIterator[KafkaEngine]:
    """The engine as a member of its group; entered when the first assignment is taken over.

    A clean stop finishes the transactions in hand, leaves the group, so that others take over at once, and then lets
    calls to providers end and report through `headrace.commands`.
    """
    metrics = metrics or RoleMetrics("worker")
    host = EngineHost(
        log,
        partitions=kafka.partitions,
        clock=clock,
        compile_=compile_,
        actions=actions,
        settings=msgspec.structs.replace(settings, partitions=kafka.partitions),
        on_crash=on_crash,
        metrics=EngineMetrics(metrics.registry),
        secrets=secrets,
        drain_per_second=drain_per_second,
    )
    metrics.before_reading(EngineGauges(metrics.registry, host, log, settings.topics.inputs).look)
    watch = ClockWatch(log, clock, host.trust_clock, every_s=look_at_clock_every_s)
    await watch.look()
    await host.catch_up()
    ownership = Ownership(host.owned, settings.topics)
    delivery = Delivery(start_position=host.start_position, on_crash=on_crash)
    app = build_kafka_app(log=log, settings=kafka, member=member, delivery=delivery, ownership=ownership)
    for topic, handler in agents(host, settings.topics).items():
        register_agent(app, topic, handler)
    faust = FaustHost(app)
    host.start(faust.seek)
    watching = asyncio.create_task(watch.run())
    try:
        await faust.start()
        yield KafkaEngine(host, ownership)
    finally:
        watching.cancel()
        await ownership.leave()
        await faust.stop()
        await host.stop(calls_may_take_s)
        await actions.close()
