"""Whatever is done to a log, it is what a few dictionaries say it is."""

import asyncio
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event_log import EventLog, NewRecord, PartitionWriter
from schemas.event_log_errors import Fenced
from tests.conformance.hosts import HOSTS, everything, open_log

TOPICS = ("journal", "changes")
PARTITIONS = 3

partition = st.integers(0, PARTITIONS - 1)
content = st.none() | st.binary(max_size=40) | st.integers(1, 300_000).map(lambda size: b"x" * size)
record = st.builds(
    NewRecord,
    topic=st.sampled_from(TOPICS),
    partition=partition,
    key=st.none() | st.binary(max_size=8),
    value=content,
    headers=st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=2).map(tuple),
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
    """The log as dictionaries."""

    stands: defaultdict[tuple[str, int], list[NewRecord]] = field(default_factory=lambda: defaultdict(list))
    positions: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, new: list[NewRecord]) -> list[int]:
        offsets = []
        for one in new:
            there = self.stands[one.topic, one.partition]
            offsets.append(len(there))
            there.append(one)
        return offsets


class Subject:
    """The log under test, doing what it is told beside the model."""

    def __init__(self, host: str, location: str) -> None:
        self.host, self.location = host, location
        self.model = Model()
        self.log: EventLog
        self.writers: dict[int, PartitionWriter] = {}
        self.old: dict[int, PartitionWriter] = {}

    async def run(self, operations: list[tuple[Any, ...]]) -> None:
        self.log = await open_log(self.host, self.location)
        self.model.dense = self.log.dense
        for topic in TOPICS:
            await self.log.create_topic(topic, PARTITIONS)
        for name, *arguments in operations:
            await getattr(self, name)(*arguments)
        await self.is_the_model()
        await self.reopen()
        await self.is_the_model()
        await self.log.close()

    async def append(self, new: list[NewRecord]) -> None:
        assert list(await self.log.append(new)) == self.model.add(new)

    async def at_once(self, several: list[list[NewRecord]]) -> None:
        offsets = await asyncio.gather(*map(self.log.append, several))
        assert [list(each) for each in offsets] == [self.model.add(new) for new in several]

    async def open_writer(self, partition: int) -> None:
        if partition in self.writers:
            self.old[partition] = self.writers[partition]
        self.writers[partition] = await self.log.open_writer("g", partition)

    async def commit(self, partition: int, new: list[NewRecord], positions: dict[str, int]) -> None:
        if partition not in self.writers:
            await self.open_writer(partition)
        assert list(await self.writers[partition].commit(new, positions)) == self.model.add(new)
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
        expected = self.model.stands["journal", partition][offset : offset + limit]
        found = [_new(one) for one in await self.log.read("journal", partition, offset, limit=limit)]
        assert found == expected[: len(found)]
        assert bool(found) == bool(expected)

    async def is_the_model(self) -> None:
        for topic in TOPICS:
            for partition in range(PARTITIONS):
                expected = self.model.stands[topic, partition]
                assert await self.log.end_offset(topic, partition) == len(expected)
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
    for host in HOSTS:
        with tempfile.TemporaryDirectory() as directory:
            asyncio.run(Subject(host, f"{directory}/log").run(operations))
