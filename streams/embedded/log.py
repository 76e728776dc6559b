"""The event log of one process, in one SQLite file: topics, partitions, transactions, without a broker."""

import asyncio
import math
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self

from domain.clock import Clock
from schemas.event_log import Chunk, NewRecord
from schemas.event_log_errors import LogClosed, TopicMismatch, UnknownPartition, UnknownTopic
from streams.embedded import schema
from streams.embedded.commit import Claim, GroupCommit, Request
from streams.embedded.partition import LogPartition
from streams.embedded.reading import Place, read_records
from streams.embedded.topic import Topic, create_topic, load_topic


class EmbeddedEventLog:
    """The port `EventLog` on an SQLite file in WAL mode. All its methods belong to the loop that opened it.

    Use it under the lock of a `DataDirectory`: a second process that writes the same file is not expected here.
    """

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        commits: GroupCommit,
        threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
    ) -> None:
        self._path, self._writer, self._commits = path, writer, commits
        self._write_thread, self._read_thread = threads
        self._reader = schema.open_reader(path)
        self._cluster_id = schema.cluster_id(writer)
        self._topics = {
            name: load_topic(writer, name, topic_id, partitions, first_number)
            for name, topic_id, partitions, first_number in writer.execute(schema.TOPICS)
        }
        self._creating = asyncio.Lock()
        self._claims: dict[tuple[str, int], Claim] = {}
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, *, clock: Clock, fsync: bool = True) -> Self:
        """Open the log in the directory, and make both if needed.

        `clock` gives the records' timestamps. `fsync=False` trades the last commits before a power cut for speed;
        a killed process loses nothing either way.

        Raises:
            LogUnreadable: the file there is not a log, or one of another version.
        """
        threads = (
            ThreadPoolExecutor(1, thread_name_prefix="headrace-log-write"),
            ThreadPoolExecutor(1, thread_name_prefix="headrace-log-read"),
        )
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(threads[0], partial(cls._load, directory, clock, threads, fsync=fsync))
        except BaseException:
            for thread in threads:
                thread.shutdown(wait=False)
            raise

    @classmethod
    def _load(
        cls, directory: Path, clock: Clock, threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor], *, fsync: bool
    ) -> Self:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / schema.FILE_NAME
        writer = schema.open_writer(path, fsync=fsync)
        return cls(path, writer, GroupCommit(writer, threads[0], path=path, clock=clock), threads)

    @property
    def cluster_id(self) -> str:
        """A random id, made with the file."""
        return self._cluster_id

    @property
    def dense(self) -> bool:
        """One offset for each record."""
        return True

    async def create_topic(self, topic: str, partitions: int) -> None:
        """Make the topic unless it exists.

        Raises:
            TopicMismatch: it exists with another number of partitions.
        """
        self._check_open()
        async with self._creating:
            known = self._topics.get(topic)
            if known is None:
                loop = asyncio.get_running_loop()
                self._topics[topic] = await loop.run_in_executor(
                    self._write_thread, create_topic, self._writer, topic, partitions
                )
            elif len(known.partitions) != partitions:
                found = len(known.partitions)
                message = f"topic {topic}: expected {partitions} partitions, found {found}; the number is chosen once"
                raise TopicMismatch(message)

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopic: there is none of this name.
        """
        return len(self._topic(topic).partitions)

    async def topic_id(self, topic: str) -> str:
        """A random id, made with the topic: a store that was folded from another topic must not be used with it.

        Raises:
            UnknownTopic: there is none of this name.
        """
        return self._topic(topic).topic_id

    async def append(self, records: Sequence[NewRecord]) -> Sequence[int]:
        """Append outside any partition's transaction; all or nothing. Returns the offsets, once durable.

        Raises:
            UnknownTopic: a record is for a topic that does not exist.
            LogWriteFailed: nothing was written.
        """
        return await self._commits.submit(Request(self._placed(records)))

    async def open_writer(self, group: str, partition: int) -> "EmbeddedPartitionWriter":
        """Become the writer of a partition's outputs for a group; every older one is fenced before this returns."""
        self._check_open()
        older = self._claims.get((group, partition))
        if older is not None:
            older.lost = True
        claim = self._claims[group, partition] = Claim(group, partition)
        await self._commits.settle()  # what the older one has in flight is committed, or never will be
        return EmbeddedPartitionWriter(self, claim)

    async def commit(self, claim: Claim, records: Sequence[NewRecord], positions: Mapping[str, int]) -> Sequence[int]:
        """Commit for the holder of a claim; see `PartitionWriter.commit`."""
        return await self._commits.submit(Request(self._placed(records), claim=claim, positions=positions))

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The input position that was last committed for the group; None when there is none."""
        self._check_open()
        return self._commits.input_positions.get((group, topic, partition))

    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next committed record will get."""
        return self._partition(topic, partition).end

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on, without waiting; empty at the end.

        Fewer than `limit` come when a megabyte is reached; at least one comes if there is one.
        """
        found = self._partition(topic, partition)
        records = found.read_tail(offset, limit) if offset >= 0 and limit > 0 else None
        if records is None:
            place = Place(topic, partition, found.number)
            read = partial(read_records, self._reader, place, offset, limit=limit, end=found.end)
            records = await asyncio.get_running_loop().run_in_executor(self._read_thread, read)
        return Chunk(records, records[-1].offset + 1 if records else offset)

    async def wait(self, positions: Mapping[tuple[str, int], int], *, timeout: float) -> bool:  # noqa: ASYNC109 the port
        """Until a record exists at or after one of the positions ((topic, partition) -> offset), or `timeout` seconds.

        Returns True when there is something to read.

        Raises:
            LogClosed: the log was closed meanwhile.
        """
        wanted = [(self._partition(*place), offset) for place, offset in positions.items()]
        if any(partition.end > offset for partition, offset in wanted):
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for partition, offset in wanted:
            partition.add_waiter(waiter, offset)
        try:
            async with asyncio.timeout(None if timeout == math.inf else timeout):
                await waiter
        except TimeoutError:
            return False
        finally:
            for partition, _ in wanted:
                partition.remove_waiter(waiter)
        return True

    async def close(self) -> None:
        """Finish the commits that wait, then let go of file and threads; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._commits.close()
        for topic in self._topics.values():
            for partition in topic.partitions:
                partition.fail_waiters(LogClosed())
        await asyncio.get_running_loop().run_in_executor(None, self._let_go)

    def _let_go(self) -> None:
        self._read_thread.shutdown()
        self._reader.close()
        self._write_thread.shutdown()
        self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed

    def _topic(self, topic: str) -> Topic:
        self._check_open()
        found = self._topics.get(topic)
        if found is None:
            message = f"expected one of the topics {sorted(self._topics)}, found {topic!r}; create it first"
            raise UnknownTopic(message)
        return found

    def _partition(self, topic: str, partition: int) -> LogPartition:
        partitions = self._topic(topic).partitions
        if not 0 <= partition < len(partitions):
            message = f"topic {topic}: expected a partition below {len(partitions)}, found {partition}"
            raise UnknownPartition(message)
        return partitions[partition]

    def _placed(self, records: Sequence[NewRecord]) -> list[tuple[LogPartition, NewRecord]]:
        places = {(record.topic, record.partition) for record in records}
        partitions = {place: self._partition(*place) for place in places}
        return [(partitions[record.topic, record.partition], record) for record in records]


class EmbeddedPartitionWriter:
    """The port `PartitionWriter` on the embedded log."""

    def __init__(self, log: EmbeddedEventLog, claim: Claim) -> None:
        self._log, self._claim = log, claim

    async def commit(self, records: Sequence[NewRecord], positions: Mapping[str, int]) -> Sequence[int]:
        """Append `records` and move the input positions (topic -> next offset) of this partition, or do neither.

        Returns the offset of each record, in order, once all of it is durable.

        Raises:
            Fenced: another writer was opened for this partition, or this one was closed; nothing was written.
            LogWriteFailed: nothing was written.
        """
        return await self._log.commit(self._claim, records, positions)

    def join(self, metadata: bytes) -> None:
        """Nothing to do: an embedded log has one owner."""

    async def close(self) -> None:
        """Give the partition up: later commits of this writer are fenced."""
        self._claim.lost = True
