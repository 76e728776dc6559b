"""The embedded log as another process reads it: what is committed, and nothing else, while its owner writes on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.event_log import NewRecord
from schemas.event_log_errors import LogUnreadable, UnknownPartition, UnknownTopic
from streams.embedded.log import EmbeddedEventLog
from streams.embedded.reader import EmbeddedLogReader


def new(value: bytes, partition: int = 0) -> NewRecord:
    return NewRecord(topic="journal", partition=partition, key=b"c-1", value=value, headers=(("h", b"1"),))


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EmbeddedEventLog]:
    """A log with the topic `journal`, of 2 partitions."""
    log = await EmbeddedEventLog.open(tmp_path, clock=lambda: 7)
    await log.create_topic("journal", 2)
    yield log
    await log.close()


@pytest.fixture
async def reader(log: EmbeddedEventLog, tmp_path: Path) -> AsyncIterator[EmbeddedLogReader]:
    """The same log, to read only."""
    reader = await EmbeddedLogReader.open(tmp_path)
    yield reader
    await reader.close()


async def test_it_reads_what_the_owner_commits(log, reader):
    await log.append([new(b"a"), new(b"b"), new(b"c", partition=1)])
    await log.append([new(b"d")])

    chunk = await reader.read("journal", 0, 0, limit=10)

    assert chunk == await log.read("journal", 0, 0, limit=10)
    assert chunk.next == await reader.end_offset("journal", 0) == 3
    assert [record.value for record in await reader.read("journal", 0, 1, limit=1)] == [b"b"]
    assert not await reader.read("journal", 0, 3, limit=1)
    assert [record.value for record in await reader.read("journal", 1, 0, limit=9)] == [b"c"]


async def test_it_is_the_same_log_with_the_same_topics(log, reader):
    await log.create_topic("made later", 3)

    assert reader.cluster_id == log.cluster_id
    assert await reader.topic_id("journal") == await log.topic_id("journal")
    assert await reader.partitions("made later") == 3
    with pytest.raises(UnknownTopic, match="nowhere"):
        await reader.partitions("nowhere")
    with pytest.raises(UnknownPartition, match="below 2"):
        await reader.read("journal", 2, 0, limit=1)


async def test_where_there_is_no_log_none_is_made(tmp_path):
    with pytest.raises(LogUnreadable, match="found none"):
        await EmbeddedLogReader.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()

    (tmp_path / "log.sqlite").write_bytes(b"")
    with pytest.raises(LogUnreadable, match="no log yet"):
        await EmbeddedLogReader.open(tmp_path)
