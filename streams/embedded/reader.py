"""The embedded log to read only: for replay tooling, also while another process owns the data directory and writes.

SQLite's WAL gives each read the state of some commit, so a reader never sees a part of a transaction.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from schemas.event_log import Chunk
from schemas.event_log_errors import LogUnreadable, UnknownPartition, UnknownTopic
from streams.embedded import schema
from streams.embedded.reading import Place, read_records

_T = TypeVar("_T")
_Topic = tuple[str, int, int]
"""A topic's id, its number of partitions, and the first one's number among all of the log."""


class EmbeddedLogReader:
    """The port `LogReader` on the file of an `EmbeddedEventLog`. All its methods belong to the loop that opened it."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection, self._thread = connection, thread
        self._cluster_id = schema.cluster_id(connection)
        self._topics: dict[str, _Topic] = {}

    @classmethod
    async def open(cls, directory: Path) -> Self:
        """Open the log in the directory; nothing is made there.

        Raises:
            LogUnreadable: there is no log, or one of another version.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-log-reader")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, partial(cls._load, directory, thread))
        except BaseException:
            thread.shutdown(wait=False)
            raise

    @classmethod
    def _load(cls, directory: Path, thread: ThreadPoolExecutor) -> Self:
        path = directory / schema.FILE_NAME
        if not path.is_file():
            message = f"expected a log in {directory}, found none; name the data directory (HEADRACE_DATA_DIR)"
            raise LogUnreadable(message)
        return cls(schema.open_existing(path), thread)

    @property
    def cluster_id(self) -> str:
        """The random id that was made with the file."""
        return self._cluster_id

    @property
    def dense(self) -> bool:
        """One offset for each record."""
        return True

    async def topic_id(self, topic: str) -> str:
        """The random id that was made with the topic.

        Raises:
            UnknownTopic: there is none of this name.
        """
        return (await self._topic(topic))[0]

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopic: there is none of this name.
        """
        return (await self._topic(topic))[1]

    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next committed record will get."""
        number = await self._number(topic, partition)
        end, _ = await self._in_thread(partial(schema.end_of, self._connection, number))
        return end

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on, without waiting; empty at the end.

        Fewer than `limit` come when a megabyte is reached; at least one comes if there is one.
        """
        number = await self._number(topic, partition)
        place = Place(topic, partition, number)
        records = await self._in_thread(partial(read_records, self._connection, place, offset, limit=limit))
        return Chunk(records, records[-1].offset + 1 if records else offset)

    async def close(self) -> None:
        """Let go of the file and the thread."""
        await self._in_thread(self._connection.close)
        self._thread.shutdown(wait=False)

    async def _number(self, topic: str, partition: int) -> int:
        _, partitions, first = await self._topic(topic)
        if not 0 <= partition < partitions:
            message = f"topic {topic}: expected a partition below {partitions}, found {partition}"
            raise UnknownPartition(message)
        return first + partition

    async def _topic(self, topic: str) -> _Topic:
        if topic not in self._topics:  # the owner may have made it meanwhile
            self._topics = dict(await self._in_thread(self._load_topics))
        found = self._topics.get(topic)
        if found is None:
            message = f"expected one of the topics {sorted(self._topics)}, found {topic!r}"
            raise UnknownTopic(message)
        return found

    def _load_topics(self) -> Mapping[str, _Topic]:
        rows = self._connection.execute(schema.TOPICS)
        return {name: (topic_id, partitions, first) for name, topic_id, partitions, first in rows}

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
