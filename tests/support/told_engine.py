"""An engine that is told by hand what its group gives to it, on a log in memory that can be slow or away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from domain.action import ActionRegistry
from domain.contact_event import ContactEvent
from headrace.compiling import compile_document
from schemas.contact_event import cloud_event
from schemas.event_log import Chunk, NewRecord
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEFINITION_COMMANDS, DEFINITIONS, JOURNAL
from streams.engine_host import EngineHost
from streams.partition_settings import PartitionSettings
from tests.support.memory_log import MemoryEventLog

LONG = 0
PARTITIONS = 2


class SlowLog(MemoryEventLog):
    """A log that lets the long partition's journal be read only so far or not at all, and knows from where it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.stands_still_at: int | None = None
        self.go_on = asyncio.Event()
        self.read_from: list[int] = []
        self.is_away = False
        self.refused = 0

    @classmethod
    async def with_topics(cls) -> SlowLog:
        log = cls()
        for topic in (CONTACT_EVENTS, COMMANDS, JOURNAL):
            await log.create_topic(topic, PARTITIONS)
        for topic in (DEFINITIONS, DEFINITION_COMMANDS):
            await log.create_topic(topic, 1)
        return log

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        if (topic, partition) == (JOURNAL, LONG):
            if self.is_away:
                self.refused += 1
                raise OSError("away")
            if self.stands_still_at is not None and offset >= self.stands_still_at:
                await self.go_on.wait()
            self.read_from.append(offset)
        return await super().read(topic, partition, offset, limit=limit)


class Host:
    """An engine that is told by hand what its group gives to it; `sought` is where it wants its inputs to be read."""

    def __init__(self, log: SlowLog, directory: Path) -> None:
        self.sought: dict[tuple[str, int], int] = {}
        self.crashes: list[BaseException] = []
        self.engine = EngineHost(
            log,
            partitions=PARTITIONS,
            clock=lambda: time.time_ns() // 1_000_000,
            compile_=compile_document,
            actions=ActionRegistry(),
            settings=PartitionSettings(directory=directory),
            on_crash=self.crashes.append,
        )
        self.engine.start(lambda topic, partition, offset: self.sought.update({(topic, partition): offset}))

    async def is_given(self, *partitions: int, standby: tuple[int, ...] = ()) -> None:
        await self.engine.owned.hold()
        await self.engine.owned.own(partitions, catalogue=False, membership=b"", standby=standby)

    async def stop(self) -> None:
        await self.engine.owned.leave()
        await self.engine.stop(0)


async def eventually(holds, what: str) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)
    assert holds(), what


def fact(number: int) -> NewRecord:
    event = ContactEvent(contact_id=f"c-{number}", source="crm", id=f"{number}", type="page.viewed", data={})
    value, headers = cloud_event(event)
    return NewRecord(topic=CONTACT_EVENTS, partition=LONG, key=event.contact_id.encode(), value=value, headers=headers)
