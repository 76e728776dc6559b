"""One partition's actor on a real embedded log, driven by hand: records in, cycles, and what the log then holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from domain.action import ActionRegistry, ActionResult, WorkflowAction
from domain.catalogue import Compile
from domain.contact_event import ContactEvent
from domain.definition import DefinitionEvent, DefinitionImported, VersionPublished
from domain.workflow import Workflow
from schemas.contact_event import cloud_event
from schemas.definition_event import encode_definition_event
from schemas.event_log import NewRecord
from schemas.journal import decode_event
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEAD_LETTERS, DEFINITIONS, JOURNAL
from streams.actor import PartitionActor
from streams.batch import Batch
from streams.catalogue_feed import CatalogueFeed
from streams.dispatcher import Dispatcher
from streams.embedded.log import EmbeddedEventLog
from streams.metrics import EngineMetrics
from streams.pace import Pace
from streams.partition_settings import PartitionSettings

START_MS = 1_800_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


class Sends(WorkflowAction):
    """A plug-in that keeps what it was asked for, and answers as it is told."""

    action_type = "send_sms"
    channel = "sms"

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answer = ActionResult.succeeded(provider_id="SM1")

    async def execute(self, contact: Any, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:
        self.calls.append(config)
        return self.answer


class Partition:
    """`workflows` are live from the start; `publish` makes more."""

    def __init__(
        self, directory: Path, *, slots: int = 10, actions: ActionRegistry | None = None, **settings: Any
    ) -> None:
        self.clock, self.sends, self.actions = Clock(), Sends(), actions
        self.directory, self.slots = directory, slots
        self.registry = CollectorRegistry()
        self.metrics = EngineMetrics(self.registry)
        self.settings = PartitionSettings(directory=directory / "store", **settings)
        self.workflows: dict[tuple[str, int], Workflow] = {}
        self.sought: list[tuple[str, int, int]] = []
        self._delivered: dict[str, int] = {}

    async def open(self) -> Partition:
        """Open the log and the actor, as after a start."""
        self.log = await EmbeddedEventLog.open(self.directory / "log", clock=self.clock, fsync=False)
        for topic in (*self.settings.topics.by_contact, DEFINITIONS):
            await self.log.create_topic(topic, 1)
        await self.open_actor()
        return self

    async def open_actor(self) -> None:
        self.feed = CatalogueFeed(self.log, self.compile)
        await self.feed.catch_up()
        actions = self.actions or ActionRegistry()
        if self.actions is None:
            actions.register(self.sends)
        self.dispatcher = Dispatcher(
            actions,
            self.clock,
            report=self._report,
            slots={"sms": self.slots},
            ended=self.metrics.attempted,
            pace=Pace(self.settings.per_second, self.clock, now=lambda: self.clock() / 1000),
        )
        self.actor = PartitionActor(
            0,
            log=self.log,
            feed=self.feed,
            dispatcher=self.dispatcher,
            clock=self.clock,
            settings=self.settings,
            seek=lambda *where: self.sought.append(where),
            metrics=self.metrics,
        )
        await self.actor.open()
        self._delivered = {topic: self.actor.position(topic) for topic in self.settings.topics.inputs}

    @property
    def compile(self) -> Compile:
        return lambda _document, workflow_id, version, _templates, _accept: self.workflows[workflow_id, version]

    def _report(self, outcome: Any) -> None:
        self.actor.report(outcome)

    async def close(self) -> None:
        await self.dispatcher.drain(5)
        await self.actor.close()
        await self.log.close()

    async def kill(self) -> None:
        """As a kill -9 leaves it: nothing is closed but the log's threads, which would keep the file."""
        await self.log.close()

    # ------------------------------------------------------------ inputs

    async def publish(self, workflow: Workflow, in_flight: str = "pin") -> Partition:
        self.workflows[workflow.id, workflow.version] = workflow
        common = {"at_ms": self.clock(), "workflow_id": workflow.id, "command_id": "c"}
        await self.define(
            DefinitionImported(
                **common, version=workflow.version, name="n", document={}, source="", format="yaml",
                digest=str(workflow.version),
            ),
            VersionPublished(**common, version=workflow.version, in_flight=in_flight),
        )  # fmt: skip
        return self

    async def define(self, *events: DefinitionEvent) -> None:
        records = [
            NewRecord(topic=DEFINITIONS, partition=0, key=b"w", value=encode_definition_event(event))
            for event in events
        ]
        await self.log.append(records)
        await self.feed.catch_up()

    async def fact(self, contact_id: str, type: str, data: dict[str, Any] | None = None, **fields: Any) -> None:
        event = ContactEvent(contact_id=contact_id, source="crm", id=fields.pop("id", f"{type}/{self.clock()}/{await self.end(CONTACT_EVENTS)}"), type=type, data=data or {}, **fields)  # fmt: skip
        value, headers = cloud_event(event)
        await self.raw(value, key=contact_id.encode(), headers=headers)

    async def raw(self, value: bytes | None, *, key: bytes | None = None, headers: Any = (), topic: str = CONTACT_EVENTS) -> None:  # fmt: skip
        await self.log.append([NewRecord(topic=topic, partition=0, key=key, value=value, headers=tuple(headers))])

    async def command(self, command: Any) -> None:
        await self.raw(msgspec.json.encode(command), topic=COMMANDS)

    async def deliver(self, topic: str | None = None) -> None:
        """Hand what the inputs hold to the actor, as the agents would."""
        for name in self.settings.topics.inputs if topic is None else (topic,):
            first = self._delivered[name]
            records = await self.log.read(name, 0, first, limit=10_000)
            if records:
                self._delivered[name] = records[-1].offset + 1
                await self.actor.take(Batch(name, 0, first, tuple(records), self._delivered[name]))

    async def settle(self, *, deliver: bool = True) -> None:
        """Deliver and cycle until nothing is left to do now."""
        while True:
            if deliver:
                await self.deliver()
            busy = await self.actor.cycle()
            await self.calls_end()
            if not busy and not self.actor.reported:
                return

    async def calls_end(self) -> None:
        import asyncio

        while self.dispatcher.in_flight:
            await asyncio.sleep(0)
        for _ in range(20):  # a question may be made to hang
            if self.dispatcher.questions:
                await asyncio.sleep(0)

    # ------------------------------------------------------------ what the log holds

    async def end(self, topic: str) -> int:
        return await self.log.end_offset(topic, 0)

    async def journal(self, contact_id: str | None = None) -> list[Any]:
        records = await self.log.read(JOURNAL, 0, 0, limit=1_000_000)
        events = [decode_event(record.value) for record in records]
        return [event for event in events if contact_id is None or event.contact_id == contact_id]

    async def kinds(self, contact_id: str) -> list[str]:
        return [event.__struct_config__.tag for event in await self.journal(contact_id)]

    async def dead_letters(self) -> list[dict[str, str]]:
        records = await self.log.read(DEAD_LETTERS, 0, 0, limit=1_000)
        return [{name: value.decode(errors="replace") for name, value in record.headers} for record in records]
