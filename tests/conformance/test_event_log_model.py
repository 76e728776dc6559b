"""Whatever is done to a log, it is what a few dictionaries say it is."""

import asyncio
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.event_log import EventLog, NewRecord, PartitionWriter
from schemas.event_log_errors import Fenced
from tests.conformance.hosts import everything, open_log

TOPICS = ("journal", "changes")
PARTITIONS = 3

partition = st.integers(0, PARTITIONS - 1)
header_name = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
content = st.none() | st.binary(max_size=40) | st.integers(1, 300_000).map(lambda size: b"x" * size)
record = st.builds(
    NewRecord,
    topic=st.sampled_from(TOPICS),
    partition=partition,
    key=st.none() | st.binary(max_size=8),
    value=content,
    headers=st.lists(st.tuples(header_name, st.binary(max_size=5)), max_size=2).map(tuple),
)
records = st.lists(record, max_size=6)
operation = st.one_of(
    st.tuples(st.just("append"), records),
    st.tuples(
        st.just("commit"),
        partition,
        records,
        st.dictionaries(st.sampled_from(("inputs", "commands")), st.integers(0, 9)),
    ),
    st.tuples(st.just("commit_as_the_old_one"), partition, records),
    st.tuples(st.just("open_writer"), partition),
    st.tuples(st.just("at_once"), st.lists(records, max_size=4)),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("read"), partition, st.integers(0, 60), st.integers(1, 20)),
)


@dataclass
class Model:
    """The log as dictionaries. Where markers take up offsets too, it learns them, and only their order is asserted."""

    dense: bool
    stands: defaultdict[tuple[str, int], dict[int, NewRecord]] = field(default_factory=lambda: defaultdict(dict))
    positions: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, new: list[NewRecord], offsets: Sequence[int]) -> None:
        for one, offset in zip(new, offsets, strict=True):
            there = self.stands[one.topic, one.partition]
            end = max(there, default=-1) + 1
            assert offset == end if self.dense else offset >= end
            there[offset] = one

    def records(self, topic: str, partition: int, start: int = 0) -> list[NewRecord]:
        return [one for offset, one in self.stands[topic, partition].items() if offset >= start]


class Subject:
    """The log under test, doing what it is told beside the model."""

    def __init__(self, host: str, location: str) -> None:
        self.host, self.location = host, location
        self.model: Model
        self.log: EventLog
        self.writers: dict[int, PartitionWriter] = {}
        self.old: dict[int, PartitionWriter] = {}

    async def run(self, operations: list[tuple[Any, ...]]) -> None:
        self.log = await open_log(self.host, self.location)
        self.model = Model(self.log.dense)
        for topic in TOPICS:
            await self.log.create_topic(topic, PARTITIONS)
        for name, *arguments in operations:
            await getattr(self, name)(*arguments)
        await self.is_the_model()
        await self.reopen()
        await self.is_the_model()
        await self.log.close()

    async def append(self, new: list[NewRecord]) -> None:
        self.model.add(new, await self.log.append(new))

    async def at_once(self, several: list[list[NewRecord]]) -> None:
        for new, offsets in zip(several, await asyncio.gather(*map(self.log.append, several)), strict=True):
            self.model.add(new, offsets)

    async def open_writer(self, partition: int) -> None:
        if partition in self.writers:
            self.old[partition] = self.writers[partition]
        self.writers[partition] = await self.log.open_writer("g", partition)

    async def commit(self, partition: int, new: list[NewRecord], positions: dict[str, int]) -> None:
        if partition not in self.writers:
            await self.open_writer(partition)
        self.model.add(new, await self.writers[partition].commit(new, positions))
        self.model.positions.update({(topic, partition): at for topic, at in positions.items()})

    async def commit_as_the_old_one(self, partition: int, new: list[NewRecord]) -> None:
        if partition in self.old:
            try:
                await self.old[partition].commit(new, {"inputs": 99})
            except Fenced:
                return
            raise AssertionError("the old writer was not fenced")

    async def reopen(self) -> None:
        await self.log.close()
        self.log = await open_log(self.host, self.location)
        self.writers.clear()
        self.old.clear()

    async def read(self, partition: int, offset: int, limit: int) -> None:
        expected = self.model.records("journal", partition, offset)[:limit]
        found = [_new(one) for one in await self.log.read("journal", partition, offset, limit=limit)]
        assert found == expected[: len(found)]
        assert bool(found) == bool(expected)

    async def is_the_model(self) -> None:
        for topic in TOPICS:
            for partition in range(PARTITIONS):
                expected = self.model.records(topic, partition)
                end = await self.log.end_offset(topic, partition)
                assert end == len(expected) if self.log.dense else end >= len(expected)
                for limit in (3, 1_000):
                    stands = [_new(one) async for one in everything(self.log, topic, partition, limit=limit)]
                    assert stands == expected
        for topic in ("inputs", "commands"):
            for partition in range(PARTITIONS):
                assert await self.log.committed("g", topic, partition) == self.model.positions.get((topic, partition))


def _new(stood: object) -> NewRecord:
    return NewRecord(**{name: getattr(stood, name) for name in NewRecord.__struct_fields__})


@settings(max_examples=40, deadline=None)
@given(operations=st.lists(operation, max_size=25))
def test_any_sequence_of_operations_is_what_the_model_says(operations: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(Subject("embedded", f"{directory}/log").run(operations))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations=st.lists(operation, max_size=25))
def test_and_so_on_a_cluster(kafka: str, operations: list[tuple[Any, ...]]) -> None:
    asyncio.run(Subject("kafka", f"{kafka}/t{secrets.token_hex(5)}.").run(operations))
