"""An event log in memory: the port's promises without a disk, for tests of what reads a log."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.event_log import Chunk, NewRecord, Record
from schemas.event_log_errors import Fenced, TopicMismatch, UnknownTopic


class MemoryPartitionWriter:
    """The writer of one partition, until another one is opened."""

    def __init__(self, log: "MemoryEventLog", group: str, partition: int, epoch: int) -> None:
        self._log, self._group, self._partition, self._epoch = log, group, partition, epoch

    async def commit(self, records: Sequence[NewRecord], positions: Mapping[str, int]) -> Sequence[int]:
        if self._log.epochs[self._group, self._partition] != self._epoch:
            raise Fenced
        for topic, position in positions.items():
            self._log.positions[self._group, topic, self._partition] = position
        return await self._log.append(records)

    def join(self, metadata: bytes) -> None:
        return None

    async def close(self) -> None:
        return None


class MemoryEventLog:
    """Topics as lists of records."""

    cluster_id = "memory"

    def __init__(self, *, now_ms: int = 1_800_000_000_000) -> None:
        self.now_ms = now_ms
        self.topics: dict[str, list[list[Record]]] = {}
        self.positions: dict[tuple[str, str, int], int] = {}
        self.epochs: dict[tuple[str, int], int] = defaultdict(int)
        self._epochs = itertools.count(1)
        self._appended = asyncio.Condition()

    @property
    def dense(self) -> bool:
        return True

    async def topic_id(self, topic: str) -> str:
        return f"{topic}:{len(self._topic(topic))}"

    async def create_topic(self, topic: str, partitions: int) -> None:
        known = self.topics.setdefault(topic, [[] for _ in range(partitions)])
        if len(known) != partitions:
            message = f"{topic} has {len(known)} partitions, expected {partitions}"
            raise TopicMismatch(message)

    async def partitions(self, topic: str) -> int:
        return len(self._topic(topic))

    async def append(self, records: Sequence[NewRecord]) -> Sequence[int]:
        offsets = []
        async with self._appended:
            for new in records:
                partition = self._topic(new.topic)[new.partition]
                offsets.append(len(partition))
                partition.append(
                    Record(
                        topic=new.topic,
                        partition=new.partition,
                        offset=len(partition),
                        timestamp_ms=self.now_ms,
                        key=new.key,
                        value=new.value,
                        headers=new.headers,
                    )
                )
            self._appended.notify_all()
        return offsets

    async def open_writer(self, group: str, partition: int) -> MemoryPartitionWriter:
        epoch = self.epochs[group, partition] = next(self._epochs)
        return MemoryPartitionWriter(self, group, partition, epoch)

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        return self.positions.get((group, topic, partition))

    async def end_offset(self, topic: str, partition: int) -> int:
        return len(self._topic(topic)[partition])

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        records = self._topic(topic)[partition][offset : offset + limit]
        return Chunk(records, offset + len(records))

    async def wait(self, positions: Mapping[tuple[str, int], int], *, timeout: float) -> bool:  # noqa: ASYNC109 the port's
        def more() -> bool:
            return any(len(self._topic(topic)[number]) > at for (topic, number), at in positions.items())

        async with self._appended:
            try:
                async with asyncio.timeout(timeout):
                    await self._appended.wait_for(more)
            except TimeoutError:
                return False
        return True

    async def close(self) -> None:
        return None

    def _topic(self, topic: str) -> list[list[Record]]:
        if topic not in self.topics:
            raise UnknownTopic(f"there is no topic {topic}")
        return self.topics[topic]
