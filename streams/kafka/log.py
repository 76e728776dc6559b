"""The event log on a Kafka cluster."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

from schemas.event_log import Chunk, NewRecord
from schemas.event_log_errors import LogClosed, TopicMismatch
from schemas.topics import JOURNAL
from streams.kafka.admin import KafkaAdmin
from streams.kafka.appender import Appender
from streams.kafka.brokers import Brokers
from streams.kafka.positions import GroupPositions
from streams.kafka.readers import Readers
from streams.kafka.records import Place, check_records
from streams.kafka.settings import KafkaSettings
from streams.kafka.shared_transactions import SharedTransactions
from streams.kafka.tail import Tail
from streams.kafka.topics import topic_config
from streams.kafka.writer import KafkaPartitionWriter

_PAUSE_S: Final = 0.002


class KafkaEventLog:
    """The port `EventLog` on Kafka. All its methods belong to the loop that opened it; none blocks it.

    What was committed or appended through this log is seen by its own reads at once, though the cluster may take some
    milliseconds to let readers see a transaction that it has already confirmed.
    """

    dense = False
    """Transaction markers take up offsets too."""

    def __init__(self, settings: KafkaSettings, admin: KafkaAdmin, cluster_id: str) -> None:
        self._settings, self._admin, self._cluster_id = settings, admin, cluster_id
        self._appender = Appender(settings)
        self._brokers, self._shared = Brokers(settings), SharedTransactions()
        self._readers, self._tail = Readers(settings), Tail(settings)
        self._positions = GroupPositions(settings)
        self._writers: set[KafkaPartitionWriter] = set()
        self._own_ends: dict[Place, int] = {}
        """Behind the last record that this log wrote, or that it must not miss."""
        self._appending = asyncio.Lock()
        self._closed = False
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    async def open(cls, settings: KafkaSettings) -> Self:
        """Reach the cluster.

        Raises:
            KafkaUnreachable: no broker answered.
            SecurityMisconfigured: the security settings don't hold together.
        """
        admin = KafkaAdmin(settings)
        return cls(settings, admin, await admin.cluster_id())

    @property
    def cluster_id(self) -> str:
        """The Kafka cluster's id."""
        return self._cluster_id

    async def topic_id(self, topic: str) -> str:
        """The id that the cluster gave the topic: one that was deleted and made again has another.

        Raises:
            UnknownTopic: there is none of this name.
        """
        self._check_open()
        return (await self._admin.topic(topic)).topic_id

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopic: there is none of this name.
        """
        self._check_open()
        return (await self._admin.topic(topic)).partitions

    async def create_topic(self, topic: str, partitions: int) -> None:
        """Make the topic unless it exists, as `headrace topics create` would.

        Raises:
            TopicMismatch: it exists with another number of partitions.
        """
        self._check_open()
        found = await self._admin.describe(topic)
        if found is None:
            config = topic_config(topic, self._settings)
            await self._admin.create(topic, partitions, self._settings.replication_factor, config)
            found = await self._admin.topic(topic)
        if found.partitions != partitions:
            message = (
                f"topic {topic}: expected {partitions} partitions, found {found.partitions}; the number is chosen once"
            )
            raise TopicMismatch(message)

    async def append(self, records: Sequence[NewRecord]) -> Sequence[int]:
        """Append outside any partition's transaction. Returns the offsets, once durable.

        What can be refused is refused before anything is sent. Kafka promises no more: when brokers fail on the way, a
        part of several records may stand in the log.

        Raises:
            UnknownTopic, UnknownPartition, RecordTooLarge: nothing was written.
            AppendUnconfirmed: some of the records may stand in the log, or all, or none.
        """
        async with self._at_work():
            check_records(records)
            places = [(record.topic, record.partition) for record in records]
            if not records:
                return []
            async with self._appending:  # in the order in which they were asked for
                await self._admin.check_places(set(places))
                sent = await self._appender.send(records)
            offsets = await asyncio.shield(sent)
            self._wrote({place: offset + 1 for place, offset in zip(places, offsets, strict=True)})
            return offsets

    async def open_writer(self, group: str, partition: int) -> KafkaPartitionWriter:
        """Become the writer of a partition's outputs for a group; every older one, anywhere, is fenced before this returns.

        Raises:
            TransactionFailed: the cluster did not let the writer begin.
        """
        async with self._at_work():
            writer = KafkaPartitionWriter(
                self._settings,
                self._admin,
                group,
                partition,
                brokers=self._brokers,
                shared=self._shared,
                on_commit=self._wrote,
                check_open=self._check_open,
            )
            self._writers.add(await writer.open())
            await self._expect_all_of_the_journal(partition)
            return writer

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The input position that was last committed for the group; None when there is none, or it expired."""
        self._check_open()
        return await self._positions.committed(group, topic, partition)

    async def end_offset(self, topic: str, partition: int) -> int:
        """Where committed records end: the next one stands there or, behind markers, later."""
        self._check_open()
        await self._admin.check_places({(topic, partition)})
        end = await self._admin.end_offset(topic, partition)
        while end < self._own_ends.get((topic, partition), 0):  # the markers of our own commit are on their way
            await asyncio.sleep(_PAUSE_S)
            self._check_open()
            end = await self._admin.end_offset(topic, partition)
        return end

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on; empty at the end.

        Fewer than `limit` come when a megabyte is reached; at least one comes if there is one.

        Raises:
            ReadStalled: there are more records, and no broker gives them.
        """
        if offset < 0 or limit < 1:
            message = f"expected an offset of 0 or more and a limit of 1 or more; found {offset} and {limit}"
            raise ValueError(message)
        async with self._at_work():
            place = (topic, partition)
            window = self._tail.window(place)
            if window is not None and window.covers(offset):
                chunk = window.read(offset, limit)
                if chunk:
                    return chunk
            else:
                await self._admin.check_places({place})
            return await self._read_on(place, offset, limit)

    async def wait(self, positions: Mapping[Place, int], *, timeout: float) -> bool:  # noqa: ASYNC109 the port
        """Until a record exists at or after one of the positions ((topic, partition) -> offset), or `timeout` seconds.

        Returns True when there is something to read, if only to step over. What is waited for once is followed from
        then on, so the reads that come after are served from memory.

        Raises:
            LogClosed: the log was closed meanwhile.
        """
        self._check_open()
        await self._admin.check_places(set(positions))
        return await self._tail.wait(positions, timeout)

    async def close(self) -> None:
        """Finish what is being written, then let go of connections and threads; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._tail.close()
        await self._idle.wait()
        await asyncio.gather(*(writer.close() for writer in self._writers))
        await self._brokers.close()
        await self._readers.close()
        await self._positions.close()
        await asyncio.get_running_loop().run_in_executor(None, self._appender.close)

    async def _read_on(self, place: Place, offset: int, limit: int) -> Chunk:
        """Past what is in memory: to where the partition ends now."""
        end = max(await self._admin.end_offset(*place), self._own_ends.get(place, 0))
        if offset >= end:
            return Chunk((), offset)
        window = self._tail.window(place)
        if window is not None and window.covers(offset):
            window = await self._tail.until(place, offset, end)
            if window is not None:
                return window.read(offset, limit)
        return await self._readers.read(place, offset, limit, end)

    async def _expect_all_of_the_journal(self, partition: int) -> None:
        """Let reads of the partition's journal wait for what its older owners have begun.

        Another partition's writer may carry it, which `open_writer` does not fence. Whatever they can still commit stands
        in the journal now (see `TransactionalProducer.transact`).
        """
        if await self._admin.describe(JOURNAL) is not None:
            self._wrote({(JOURNAL, partition): await self._admin.written_end(JOURNAL, partition)})

    def _wrote(self, ends: Mapping[Place, int]) -> None:
        for place, end in ends.items():
            self._own_ends[place] = max(end, self._own_ends.get(place, 0))

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """What has begun is finished before the log closes."""
        self._check_open()
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()
