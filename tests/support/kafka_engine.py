"""An engine on Kafka inside the test's own process, with a log of its own; it may crash without taking the test along."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.action import ActionRegistry, ActionResult, WorkflowAction
from headrace.compiling import compile_document
from headrace.kafka_runtime import KafkaEngine, kafka_engine
from streams.kafka.group_member import GroupMember
from streams.kafka.log import KafkaEventLog
from streams.partition_settings import PartitionSettings
from tests.support.engine_cluster import EngineCluster, eventually

QUICK = GroupMember(session_timeout_ms=3_000, heartbeat_interval_ms=300)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Calls(WorkflowAction):
    """A provider that counts its calls, and answers none while it is told to wait."""

    action_type = "send_sms"
    channel = "sms"

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def execute(self, contact: Any, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:
        self.keys.append(contact.id)
        await self.answering.wait()
        return ActionResult.succeeded(provider_id=f"SM{len(self.keys)}")


class Engine:
    """A member of the group. `crashes` is what a worker would have ended of."""

    def __init__(
        self,
        cluster: EngineCluster,
        directory: Path,
        *,
        calls: Calls | None = None,
        member: GroupMember = QUICK,
        clock: Callable[[], int] = now_ms,
        look_at_clock_every_s: float = 5.0,
    ) -> None:
        self._cluster, self._directory, self._member = cluster, directory, member
        self._clock, self._look_s = clock, look_at_clock_every_s
        self.calls = calls or Calls()
        self.crashes: list[BaseException] = []
        self._stack = contextlib.AsyncExitStack()
        self.running: KafkaEngine

    async def start(self) -> Engine:
        """Return when the first assignment is taken over, and all of it is folded."""
        log = await KafkaEventLog.open(self._cluster.settings)
        self._stack.push_async_callback(log.close)
        actions = ActionRegistry()
        actions.register(self.calls)
        engine = kafka_engine(
            log,
            self._cluster.settings,
            member=self._member,
            settings=PartitionSettings(directory=self._directory),
            clock=self._clock,
            compile_=compile_document,
            actions=actions,
            on_crash=self.crashes.append,
            calls_may_take_s=20,
            look_at_clock_every_s=self._look_s,
        )
        self.running = await self._stack.enter_async_context(engine)
        await eventually(lambda: bool(self.crashes) or self.running.ownership.settled, "an engine to settle")
        return self

    async def stop(self) -> None:
        await self._stack.aclose()

    @property
    def owned(self) -> set[int]:
        """The partitions that it owns and works on; none while a rebalance is going on."""
        return set(self.running.host.actors) if self.running.ownership.settled else set()

    async def until_owns(self, count: int) -> None:
        await eventually(lambda: len(self.owned) == count, f"an engine to own {count} partitions")
