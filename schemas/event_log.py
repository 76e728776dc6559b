"""The port to the log: append, read, and commit a partition's batch as one transaction.

Adapters live in `streams`: `streams.embedded` (SQLite, one process) and `streams.kafka`. One conformance suite tests them all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record as it stands in the log. `timestamp_ms` is the broker's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Chunk(tuple[Record, ...]):  # noqa: SLOT001 a tuple of any length has no room for slots
    """The records that one read gave; `next` is where the following read begins.

    It lies behind the last record, and behind whatever else takes up offsets there (a broker's transaction markers,
    records of aborted transactions), so a chunk may be empty and yet move on.
    """

    next: int

    def __new__(cls, records: Iterable[Record], next: int) -> Self:
        """A chunk of these records."""
        chunk = super().__new__(cls, records)
        chunk.next = next
        return chunk

    @property
    def records(self) -> tuple[Record, ...]:
        """The records alone."""
        return tuple(self)


class NewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record to be appended."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class PartitionWriter(Protocol):
    """The one writer of a partition; opening it fences every older one."""

    async def commit(self, records: Sequence[NewRecord], positions: Mapping[str, int]) -> Sequence[int]:
        """Append `records` and move the input positions (topic -> next offset) of this partition, or do neither.

        Returns the offset of each record, in order, once all of it is durable.

        Raises:
            Fenced: another writer was opened for this partition; nothing was written.
        """
        ...

    def join(self, metadata: bytes) -> None:
        """Commit positions as this member of the consumer group from now on.

        Args:
            metadata: the group's metadata of this member; once the group has expelled it, commits are refused. An
                embedded log has one owner and asks for none.
        """
        ...

    async def close(self) -> None:
        """Give the partition up."""
        ...


class LogReader(Protocol):
    """The reading half of the port: what replay tooling needs, also in a process that owns nothing."""

    @property
    def cluster_id(self) -> str:
        """Identifies this log: a store that was folded from another one must not be used with it."""
        ...

    @property
    def dense(self) -> bool:
        """Whether offsets are taken by records alone, one each (a broker's transaction markers take some too)."""
        ...

    async def topic_id(self, topic: str) -> str:
        """Identifies the topic: one that was deleted and made again has another id.

        Raises:
            UnknownTopic: there is none of this name.
        """
        ...

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopic: there is none of this name.
        """
        ...

    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next committed record will get."""
        ...

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on, without waiting; at the end an empty chunk."""
        ...

    async def close(self) -> None:
        """Let go of files, sockets and threads; what was committed stays."""
        ...


OpenLog = Callable[[], AbstractAsyncContextManager[LogReader]]
"""Opens the log to read; it can be pickled, so that each of several processes opens its own."""


class EventLog(LogReader, Protocol):
    """An ordered, durable log of topics in partitions."""

    async def create_topic(self, topic: str, partitions: int) -> None:
        """Make the topic unless it exists.

        Raises:
            TopicMismatch: it exists with another number of partitions.
        """
        ...

    async def append(self, records: Sequence[NewRecord]) -> Sequence[int]:
        """Append outside any partition's transaction (producers: API, CLI, dead letters); all or nothing.

        Returns the offset of each record, once durable.
        """
        ...

    async def open_writer(self, group: str, partition: int) -> PartitionWriter:
        """Become the writer of a partition's outputs for a consumer group."""
        ...

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The input position that was last committed for the group; None when there is none."""
        ...

    async def wait(self, positions: Mapping[tuple[str, int], int], *, timeout: float) -> bool:  # noqa: ASYNC109 it is the wait itself
        """Until a record exists at or after one of the positions ((topic, partition) -> offset), or `timeout` seconds.

        Returns True when there is something to read.
        """
        ...
