"""A part of a shared cluster that looks like a log of its own: names of topics and groups get a prefix."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from schemas.event_log import Chunk, EventLog, NewRecord, PartitionWriter


class NamespacedLog:
    """The port `EventLog`, on another log."""

    def __init__(self, log: EventLog, prefix: str) -> None:
        self.whole, self.prefix = log, prefix

    @property
    def cluster_id(self) -> str:
        return self.whole.cluster_id

    @property
    def dense(self) -> bool:
        return self.whole.dense

    async def topic_id(self, topic: str) -> str:
        return await self.whole.topic_id(self.prefix + topic)

    async def create_topic(self, topic: str, partitions: int) -> None:
        await self.whole.create_topic(self.prefix + topic, partitions)

    async def partitions(self, topic: str) -> int:
        return await self.whole.partitions(self.prefix + topic)

    async def append(self, records: Sequence[NewRecord]) -> Sequence[int]:
        return await self.whole.append(self.placed(records))

    async def open_writer(self, group: str, partition: int) -> PartitionWriter:
        return NamespacedWriter(self, await self.whole.open_writer(self.prefix + group, partition))

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        return await self.whole.committed(self.prefix + group, self.prefix + topic, partition)

    async def end_offset(self, topic: str, partition: int) -> int:
        return await self.whole.end_offset(self.prefix + topic, partition)

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        chunk = await self.whole.read(self.prefix + topic, partition, offset, limit=limit)
        assert {record.topic for record in chunk} <= {self.prefix + topic}
        return Chunk((replace(record, topic=topic) for record in chunk), chunk.next)

    async def wait(self, positions: Mapping[tuple[str, int], int], *, timeout: float) -> bool:  # noqa: ASYNC109 the port
        wanted = {(self.prefix + topic, partition): offset for (topic, partition), offset in positions.items()}
        return await self.whole.wait(wanted, timeout=timeout)

    async def close(self) -> None:
        await self.whole.close()

    def placed(self, records: Sequence[NewRecord]) -> list[NewRecord]:
        return [replace(record, topic=self.prefix + record.topic) for record in records]


class NamespacedWriter:
    """The port `PartitionWriter`, on another one."""

    def __init__(self, log: NamespacedLog, writer: PartitionWriter) -> None:
        self._log, self._writer = log, writer

    async def commit(self, records: Sequence[NewRecord], positions: Mapping[str, int]) -> Sequence[int]:
        named = {self._log.prefix + topic: position for topic, position in positions.items()}
        return await self._writer.commit(self._log.placed(records), named)

    def join(self, metadata: bytes) -> None:
        self._writer.join(metadata)

    async def close(self) -> None:
        await self._writer.close()
