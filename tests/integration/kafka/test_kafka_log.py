"""What the event log promises beyond the conformance suite because it runs on a cluster that others use too."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from schemas.event_log import Chunk, EventLog, NewRecord, Record
from schemas.event_log_errors import Fenced, TransactionFailed, UnknownTopic
from streams.kafka.errors import RecordTooLarge
from streams.kafka.group import group_metadata
from streams.kafka.log import KafkaEventLog
from streams.kafka.settings import JOURNAL_MAX_BYTES, KafkaSettings
from tests.support.kafka_broker import JavaBroker

DEADLINE_S = 60


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[KafkaEventLog]:
    async with opened(kafka) as log:
        yield log


@pytest.fixture
async def topic(log: KafkaEventLog, prefix: str) -> str:
    """A topic with 4 partitions."""
    await log.create_topic(f"{prefix}journal", 4)
    return f"{prefix}journal"


@asynccontextmanager
async def opened(bootstrap: str) -> AsyncIterator[KafkaEventLog]:
    log = await KafkaEventLog.open(KafkaSettings(bootstrap=bootstrap))
    try:
        yield log
    finally:
        await log.close()


def new(topic: str, value: bytes | None, partition: int = 0) -> NewRecord:
    return NewRecord(topic=topic, partition=partition, key=b"c-1", value=value)


async def chunks(log: EventLog, topic: str, partition: int = 0, limit: int = 1_000) -> list[Chunk]:
    """All that can be read, the last chunk being the empty one at the end."""
    found = [await log.read(topic, partition, 0, limit=limit)]
    while found[-1].next != (found[-2].next if len(found) > 1 else 0):
        found.append(await log.read(topic, partition, found[-1].next, limit=limit))
    return found


async def values(log: EventLog, topic: str, partition: int = 0) -> list[bytes | None]:
    return [record.value for chunk in await chunks(log, topic, partition) for record in chunk]


def transactional(bootstrap: str, transactional_id: str) -> Producer:
    """Somebody else's producer, in a transaction."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "retry.backoff.ms": 2})
    producer.init_transactions(DEADLINE_S)
    producer.begin_transaction()
    return producer


class TestMarkers:
    async def test_a_reader_steps_over_the_marker_of_each_commit(self, log: KafkaEventLog, topic: str) -> None:
        writer = await log.open_writer(topic, 0)
        for n in range(20):
            await writer.commit([new(topic, b"%d" % n)], {})
        first = await log.read(topic, 0, 0, limit=1)
        assert (first[0].offset, first.next) == (0, 1)
        assert [r.offset for chunk in await chunks(log, topic) for r in chunk] == [2 * n for n in range(20)]
        assert await log.end_offset(topic, 0) == 40
        assert (await chunks(log, topic))[-1].next == 40

    async def test_aborted_transactions_of_others_are_invisible(
        self, log: KafkaEventLog, topic: str, kafka: str, prefix: str
    ) -> None:
        await log.append([new(topic, b"before")])
        for _ in range(3):
            producer = transactional(kafka, prefix)
            for _ in range(50):
                producer.produce(topic, b"never", partition=0)
            producer.flush()
            producer.abort_transaction(DEADLINE_S)
        end = 1 + 3 * 51

        async def all_markers_are_written() -> bool:
            return await log.end_offset(topic, 0) == end

        await until(all_markers_are_written)
        assert await values(log, topic) == [b"before"]
        assert (await chunks(log, topic))[-1].next == end

    async def test_an_open_transaction_hides_what_comes_after_it_until_it_ends(
        self, log: KafkaEventLog, topic: str, kafka: str, prefix: str
    ) -> None:
        producer = transactional(kafka, prefix)
        producer.produce(topic, b"open", partition=0)
        producer.flush()
        async with opened(kafka) as other:
            await other.append([new(topic, b"after")])
        assert await log.end_offset(topic, 0) == 0
        assert list(await log.read(topic, 0, 0, limit=10)) == []
        assert not await log.wait({(topic, 0): 0}, timeout=0.3)
        producer.commit_transaction(DEADLINE_S)
        assert await log.wait({(topic, 0): 0}, timeout=DEADLINE_S)
        assert await values(log, topic) == [b"open", b"after"]


class TestWriting:
    async def test_a_log_sees_its_own_commits_at_once(self, log: KafkaEventLog, topic: str) -> None:
        writer = await log.open_writer(topic, 1)
        for n in range(50):
            (offset,) = await writer.commit([new(topic, b"%d" % n, 1)], {topic: n})
            (record,) = await log.read(topic, 1, offset, limit=10)
            assert record.value == b"%d" % n
            assert await log.end_offset(topic, 1) > offset
            assert await log.committed(topic, topic, 1) == n

    async def test_a_writer_in_another_process_is_fenced_too(self, log: KafkaEventLog, topic: str, kafka: str) -> None:
        old = await log.open_writer(topic, 0)
        async with opened(kafka) as other:
            young = await other.open_writer(topic, 0)
            with pytest.raises(Fenced, match="partition 0"):
                await old.commit([], {topic: 5})  # a transaction of positions alone is refused as well
            await young.commit([new(topic, b"young")], {topic: 1})
        assert await log.committed(topic, topic, 0) == 1

    async def test_members_of_one_process_commit_together_or_not_at_all(
        self, log: KafkaEventLog, topic: str, kafka: str
    ) -> None:
        writers = [await log.open_writer(topic, partition) for partition in range(3)]
        for writer in writers:
            writer.join(group_metadata(topic))

        async def commit(n: int) -> list[object]:
            each = [w.commit([new(topic, b"%d" % n, p)], {topic: n}) for p, w in enumerate(writers)]
            return await asyncio.gather(*each, return_exceptions=True)

        assert await commit(1) == [[0], [0], [0]]
        async with opened(kafka) as other:
            await other.open_writer(topic, 0)  # it carries, for it asks first
            assert [type(outcome) for outcome in await commit(2)] == [Fenced] * 3
        for partition in range(3):
            assert await values(log, topic, partition) == [b"1"]
            assert await log.committed(topic, topic, partition) == 1

    async def test_positions_of_a_member_that_the_group_does_not_know_are_refused(
        self, log: KafkaEventLog, topic: str
    ) -> None:
        writer = await log.open_writer(topic, 0)
        writer.join(group_metadata(topic, generation=7, member="nobody"))
        with pytest.raises(TransactionFailed, match="leave the process"):
            await writer.commit([new(topic, b"never")], {topic: 1})
        with pytest.raises(TransactionFailed):
            await writer.commit([], {})
        assert await values(log, topic) == []
        assert await log.committed(topic, topic, 0) is None

    async def test_the_journal_takes_larger_records_than_any_input(self, log: KafkaEventLog, topic: str) -> None:
        writer = await log.open_writer(topic, 0)
        large = os.urandom(JOURNAL_MAX_BYTES - 4_096)
        await writer.commit([new(topic, large), new(topic, b"small")], {})
        assert await values(log, topic) == [large, b"small"]

    async def test_what_is_too_large_is_refused_and_the_writer_goes_on(self, log: KafkaEventLog, topic: str) -> None:
        writer = await log.open_writer(topic, 0)
        too_large = new(topic, b"x" * JOURNAL_MAX_BYTES)
        for refused in (writer.commit([new(topic, b"a"), too_large], {topic: 1}), log.append([too_large])):
            with pytest.raises(RecordTooLarge, match="nothing was written"):
                await refused
        await writer.commit([new(topic, b"good")], {topic: 2})
        assert await values(log, topic) == [b"good"]

    async def test_asking_about_a_topic_does_not_make_it(self, log: KafkaEventLog, prefix: str) -> None:
        for _ in range(2):
            with pytest.raises(UnknownTopic):
                await log.append([new(f"{prefix}nowhere", b"")])
            with pytest.raises(UnknownTopic):
                await log.wait({(f"{prefix}nowhere", 0): 0}, timeout=1)


class TestReading:
    @pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
    async def test_every_compression_can_be_read(self, log: KafkaEventLog, topic: str, kafka: str, codec: str) -> None:
        producer = Producer({"bootstrap.servers": kafka, "compression.type": codec, "linger.ms": 50})
        for n in range(200):
            producer.produce(topic, b"%d " % n * 50, b"c-1", 2)
        producer.flush(DEADLINE_S)
        assert await values(log, topic, 2) == [b"%d " % n * 50 for n in range(200)]

    async def test_who_reads_along_and_who_is_far_behind_get_the_same(self, log: KafkaEventLog, topic: str) -> None:
        """More is written than a window holds, so the one that reads along falls behind too, and catches up."""
        written = [b"%d " % n * 500 for n in range(6_000)]

        async def follow(pause_every: int) -> list[bytes | None]:
            found: list[Record] = []
            position = 0
            while len(found) < len(written):
                assert await log.wait({(topic, 0): position}, timeout=DEADLINE_S)
                chunk = await log.read(topic, 0, position, limit=100)
                position = chunk.next
                found += chunk
                if pause_every and len(found) % pause_every == 0:
                    await asyncio.sleep(0.02)
            return [record.value for record in found]

        following = [asyncio.create_task(follow(pause_every)) for pause_every in (0, 500, 100)]
        for start in range(0, len(written), 100):
            await log.append([new(topic, value) for value in written[start : start + 100]])
        for found in await asyncio.gather(*following):
            assert found == written
        assert await values(log, topic) == written

    async def test_a_topic_that_is_made_anew_has_another_id(self, log: KafkaEventLog, topic: str, kafka: str) -> None:
        before = await log.topic_id(topic)
        admin = AdminClient({"bootstrap.servers": kafka})
        admin.delete_topics([topic])[topic].result(DEADLINE_S)

        async def is_gone() -> bool:
            try:
                return await log.topic_id(topic) != before
            except UnknownTopic:
                return True

        await until(is_gone)
        await log.create_topic(topic, 4)
        assert await log.topic_id(topic) != before


@pytest.mark.timeout(240)
class TestBrokers:
    async def test_another_cluster_has_another_id(
        self, log: KafkaEventLog, new_broker: Callable[..., JavaBroker]
    ) -> None:
        async with opened(new_broker().bootstrap) as other:
            assert other.cluster_id != log.cluster_id

    async def test_a_restart_loses_nothing_and_readers_writers_and_waiters_go_on(
        self, new_broker: Callable[..., JavaBroker], prefix: str
    ) -> None:
        broker, topic = new_broker(), f"{prefix}journal"
        async with opened(broker.bootstrap) as log:
            await log.create_topic(topic, 2)
            writer = await log.open_writer(topic, 0)
            await writer.commit([new(topic, b"before")], {topic: 1})
            waiting = asyncio.create_task(log.wait({(topic, 1): 0}, timeout=DEADLINE_S))
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
            await writer.commit([new(topic, b"after")], {topic: 2})
            await log.append([new(topic, b"news", 1)])
            assert await waiting
            assert await values(log, topic) == [b"before", b"after"]
            assert await log.committed(topic, topic, 0) == 2


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


class TestScatteredReads:
    async def test_many_at_once_get_what_each_asked_for(self, log: KafkaEventLog, topic: str) -> None:
        await log.append([new(topic, b"%d" % n) for n in range(5_000)])
        offsets = [(n * 1_009) % 5_000 for n in range(60)]
        found = await asyncio.gather(*(log.read(topic, 0, offset, limit=3) for offset in offsets))
        for offset, chunk in zip(offsets, found, strict=True):
            assert [record.offset for record in chunk][:1] == [offset]
            assert [record.value for record in chunk] == [b"%d" % record.offset for record in chunk]

    async def test_who_reads_on_after_a_glance_misses_nothing(self, log: KafkaEventLog, topic: str) -> None:
        await log.append([new(topic, b"%d" % n) for n in range(3_000)])
        found = await chunks(log, topic, limit=100)
        assert [record.offset for chunk in found for record in chunk] == list(range(3_000))
