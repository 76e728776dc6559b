"""A Kafka broker with Headrace's topics for engines under test: what other systems write, and what stands in the log."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from confluent_kafka.admin import AdminClient

from domain.contact_event import ContactEvent
from domain.definition import ImportDefinition
from domain.partition import home_partition
from schemas.contact_event import cloud_event
from schemas.definition_command import encode_definition_command
from schemas.event_log import NewRecord, Record
from schemas.journal import decode_event
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEFINITION_COMMANDS, DEFINITIONS, JOURNAL
from streams.kafka.log import KafkaEventLog
from streams.kafka.settings import KafkaSettings
from streams.kafka.topics import topic_specs

PARTITIONS = 8
WAIT_S = 60.0


async def eventually(condition: Callable[[], Any], what: str, *, seconds: float = WAIT_S) -> Any:
    """Wait for a condition (or for what it gives to be awaited) and give its value; fails, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        value = await value if isinstance(value, Awaitable) else value
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(0.02)


class EngineCluster:
    """Topics of one installation on a broker, made anew; and a log that belongs to the test, not to an engine."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(bootstrap=bootstrap, partitions=PARTITIONS, replication_factor=1)
        self.log: KafkaEventLog

    async def open(self) -> EngineCluster:
        await asyncio.to_thread(self._forget_everything)
        self.log = await KafkaEventLog.open(self.settings)
        for spec in topic_specs(self.settings):
            await self.log.create_topic(spec.name, spec.partitions)
        return self

    async def close(self) -> None:
        await self.log.close()

    def _forget_everything(self) -> None:
        """Delete what an earlier test left: topics, and with them the groups' positions."""
        admin = AdminClient({"bootstrap.servers": self.settings.bootstrap, "log_level": 0})
        names = {spec.name for spec in topic_specs(self.settings)} & set(admin.list_topics(timeout=10).topics)
        for deleted in admin.delete_topics(list(names)).values() if names else ():
            deleted.result(30)
        deadline = time.monotonic() + WAIT_S
        while names & set(admin.list_topics(timeout=10).topics):
            assert time.monotonic() < deadline, "the topics are not deleted"
            time.sleep(0.05)

    # ------------------------------------------------------------ what other systems write

    async def fact(
        self, contact_id: str, type: str, data: dict[str, Any] | None = None, *, id: str | None = None, partition: int | None = None
    ) -> None:  # fmt: skip
        await self.facts([contact_id], type, data, id=id, partition=partition)

    async def facts(
        self, contact_ids: Sequence[str], type: str, data: dict[str, Any] | None = None, *, id: str | None = None, partition: int | None = None
    ) -> None:  # fmt: skip
        records = []
        for contact_id in contact_ids:
            event = ContactEvent(
                contact_id=contact_id, source="crm", id=id or uuid.uuid4().hex, type=type, data=data or {}
            )
            value, headers = cloud_event(event)
            home = home_partition(contact_id, PARTITIONS) if partition is None else partition
            records.append(
                NewRecord(topic=CONTACT_EVENTS, partition=home, key=contact_id.encode(), value=value, headers=headers)
            )
        await self.log.append(records)

    async def define(self, document: dict[str, Any]) -> str:
        """Ask for a workflow to be imported and published; returns its id."""
        workflow_id = str(uuid.uuid4())
        command = ImportDefinition(
            command_id=uuid.uuid4().hex, workflow_id=workflow_id, name=document["name"], document=document,
            source=msgspec.json.encode(document).decode(), format="json", digest=uuid.uuid4().hex,
            create=True, publish=True,
        )  # fmt: skip
        await self.log.append(
            [
                NewRecord(
                    topic=DEFINITION_COMMANDS,
                    partition=0,
                    key=workflow_id.encode(),
                    value=encode_definition_command(command),
                )
            ]
        )
        return workflow_id

    async def publish(self, document: dict[str, Any]) -> str:
        """The same, and wait until every partition has passed it, as the API does."""
        workflow_id = await self.define(document)
        end = await eventually(lambda: self._published(workflow_id), "the definition to be published")
        await eventually(lambda: self._passed(end), "all partitions to pass the definition")
        return workflow_id

    async def _published(self, workflow_id: str) -> int | None:
        records = await self.records(DEFINITIONS, 0)
        found = [r.offset + 1 for r in records if workflow_id.encode() in r.value and b"version_published" in r.value]
        return found[-1] if found else None

    async def _passed(self, end: int) -> bool:
        passed = set()
        for partition in range(PARTITIONS):
            events = await self.journal(partition)
            if any(e.__struct_config__.tag == "catalogue_advanced" and e.offset >= end for e in events):
                passed.add(partition)
        return len(passed) == PARTITIONS

    # ------------------------------------------------------------ what stands in the log

    async def records(self, topic: str, partition: int) -> list[Record]:
        found: list[Record] = []
        position = 0
        while (chunk := await self.log.read(topic, partition, position, limit=10_000)).next > position:
            found += chunk.records
            position = chunk.next
        return found

    async def journal(self, partition: int) -> list[Any]:
        return [decode_event(record.value) for record in await self.records(JOURNAL, partition)]

    async def journals(self) -> dict[int, list[Any]]:
        return {partition: await self.journal(partition) for partition in range(PARTITIONS)}

    async def by_contact(self) -> dict[str, list[Any]]:
        """Each contact's journal events in order; checks that they stand at home, each once, without a gap."""
        found: dict[str, list[Any]] = defaultdict(list)
        for partition, events in (await self.journals()).items():
            for event in events:
                if event.contact_id:
                    assert home_partition(event.contact_id, PARTITIONS) == partition
                    found[event.contact_id].append(event)
        for events in found.values():
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
        return found

    async def kinds(self, contact_id: str) -> list[str]:
        events = await self.journal(home_partition(contact_id, PARTITIONS))
        return [event.__struct_config__.tag for event in events if event.contact_id == contact_id]

    async def count(self, kind: str) -> int:
        journals = await self.journals()
        return sum(event.__struct_config__.tag == kind for events in journals.values() for event in events)

    async def commands(self) -> list[Record]:
        return [record for n in range(PARTITIONS) for record in await self.records(COMMANDS, n)]

    async def check_each_ran_once(self, contact_ids: Sequence[str], *, steps: int) -> None:
        """Every contact was taken in once, enrolled once, went through every step once, and completed."""
        journal = await self.by_contact()
        assert set(journal) == set(contact_ids)
        for contact_id, events in journal.items():
            count = Counter(event.__struct_config__.tag for event in events)
            wanted = {"contact_event_accepted": 1, "enrolled": 1, "step_completed": steps, "enrollment_completed": 1}
            assert {kind: count[kind] for kind in wanted} == wanted, contact_id
