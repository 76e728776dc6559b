"""What every event log promises, whatever it runs on."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from schemas.event_log import EventLog, NewRecord, Record
from schemas.event_log_errors import (
    Fenced,
    LogClosed,
    TopicMismatch,
    TransactionFailed,
    UnknownPartition,
    UnknownTopic,
)
from tests.conformance.conftest import OpenLog
from tests.conformance.hosts import everything, open_log

DEADLINE_S = 20


def new(value: bytes | None, *, topic: str = "journal", partition: int = 0, key: bytes | None = b"c-1") -> NewRecord:
    return NewRecord(topic=topic, partition=partition, key=key, value=value)


async def all_of(log: EventLog, topic: str = "journal", partition: int = 0, *, limit: int = 1_000) -> list[Record]:
    return [record async for record in everything(log, topic, partition, limit=limit)]


async def values(log: EventLog, topic: str = "journal", partition: int = 0) -> list[bytes | None]:
    return [record.value for record in await all_of(log, topic, partition)]


def numbered(count: int, **where: object) -> list[NewRecord]:
    return [new(str(n).encode(), **where) for n in range(count)]  # type: ignore[arg-type]


class TestTopics:
    async def test_a_topic_has_the_partitions_it_was_made_with(self, log: EventLog) -> None:
        assert await log.partitions("journal") == 4

    async def test_making_it_again_changes_nothing(self, log: EventLog) -> None:
        await log.append([new(b"kept")])
        await log.create_topic("journal", 4)
        assert await values(log) == [b"kept"]

    async def test_made_by_many_at_once_it_is_made_once(self, log: EventLog) -> None:
        await asyncio.gather(*[log.create_topic("new", 3) for _ in range(5)])
        assert await log.partitions("new") == 3

    async def test_another_number_of_partitions_is_refused(self, log: EventLog) -> None:
        with pytest.raises(TopicMismatch, match=r"expected 8 partitions, found 4"):
            await log.create_topic("journal", 8)

    async def test_a_topic_without_partitions_is_refused(self, log: EventLog) -> None:
        with pytest.raises(TopicMismatch):
            await log.create_topic("new", 0)

    async def test_unknown_topics_are_refused_everywhere(self, log: EventLog) -> None:
        for refused in (
            log.partitions("nowhere"),
            log.end_offset("nowhere", 0),
            log.read("nowhere", 0, 0, limit=1),
            log.wait({("nowhere", 0): 0}, timeout=1),
            log.append([new(b"", topic="nowhere")]),
        ):
            with pytest.raises(UnknownTopic, match="nowhere"):
                await refused

    @pytest.mark.parametrize("partition", [-1, 4])
    async def test_unknown_partitions_are_refused(self, log: EventLog, partition: int) -> None:
        with pytest.raises(UnknownPartition):
            await log.read("journal", partition, 0, limit=1)
        with pytest.raises(UnknownPartition):
            await log.append([new(b"", partition=partition)])


class TestRecords:
    @pytest.mark.parametrize(
        ("key", "value", "headers"),
        [
            (b"c-1", b"text", ()),
            (None, b"no key", ()),
            (b"", b"", ()),
            (b"c-1", None, ()),
            (bytes(range(256)), bytes(range(256)), ()),
            ("c-ä".encode(), b"\x00", (("ce_type", b"contact.created"), ("ce_type", b"twice"), ("empty", b""))),
            (b"c-1", b"\xff" * 1_000_000, ()),
        ],
        ids=["plain", "no key", "empty", "no value", "binary", "headers", "1 MB"],
    )
    @pytest.mark.parametrize("again", [False, True], ids=["", "after reopening"])
    async def test_come_back_as_they_were(
        self,
        reopen: OpenLog,
        log: EventLog,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...],
        again: bool,
    ) -> None:
        await log.append([NewRecord(topic="journal", partition=2, key=key, value=value, headers=headers)])
        if again:
            await log.close()
            log = await reopen()
        (record,) = await log.read("journal", 2, 0, limit=10)
        assert (record.topic, record.partition, record.offset) == ("journal", 2, 0)
        assert (record.key, record.value, record.headers) == (key, value, headers)

    async def test_have_offsets_without_gaps_in_each_partition(self, log: EventLog) -> None:
        mixed = [new(b"a", partition=1), new(b"b", partition=0), new(b"c", partition=1), new(b"d", topic="changes")]
        assert list(await log.append(mixed)) == [0, 0, 1, 0]
        assert list(await log.append(mixed)) == [2, 1, 3, 1]
        assert [r.offset for r in await all_of(log, partition=1)] == [0, 1, 2, 3]

    async def test_stay_in_the_order_in_which_they_were_appended(self, log: EventLog) -> None:
        for start in range(0, 3_000, 100):
            await log.append([new(str(start + n).encode()) for n in range(100)])
        assert await values(log) == [str(n).encode() for n in range(3_000)]

    async def test_have_timestamps_that_never_decrease(self, log: EventLog) -> None:
        for n in range(20):
            await log.append([new(str(n).encode())])
        stamps = [record.timestamp_ms for record in await all_of(log)]
        assert stamps == sorted(stamps)
        assert stamps[0] > 1_600_000_000_000

    async def test_appending_nothing_is_nothing(self, log: EventLog) -> None:
        assert list(await log.append([])) == []
        assert await log.end_offset("journal", 0) == 0

    async def test_are_appended_all_or_none(self, log: EventLog) -> None:
        with pytest.raises(UnknownTopic):
            await log.append([new(b"good"), new(b"bad", topic="nowhere")])
        assert await log.end_offset("journal", 0) == 0

    async def test_that_can_not_be_read_again_are_not_written(self, log: EventLog) -> None:
        with pytest.raises(TypeError, match="of bytes"):
            await log.append([new(b"good"), new("text")])  # type: ignore[arg-type]
        assert await log.end_offset("journal", 0) == 0


class TestReading:
    @pytest.mark.parametrize("again", [False, True], ids=["", "after reopening"])
    async def test_any_range_is_that_part_of_the_whole(self, reopen: OpenLog, log: EventLog, again: bool) -> None:
        for size in (1, 7, 1, 30, 2, 1_200):
            await log.append(numbered(size))
            await log.append(numbered(3, partition=1))
        if again:
            await log.close()
            log = await reopen()
        whole = await all_of(log)
        assert [record.offset for record in whole] == list(range(1_241))
        for offset in [*range(45), 500, 600, 1_240]:
            for limit in (1, 2, 40, 700):
                found = list(await log.read("journal", 0, offset, limit=limit))
                assert found == whole[offset : offset + len(found)]
                assert 1 <= len(found) <= limit

    async def test_ends_at_the_end(self, log: EventLog) -> None:
        await log.append(numbered(3))
        assert len(await log.read("journal", 0, 2, limit=10)) == 1
        assert list(await log.read("journal", 0, 3, limit=10)) == []
        assert list(await log.read("journal", 0, 99, limit=10)) == []
        assert list(await log.read("journal", 1, 0, limit=10)) == []

    async def test_finds_old_records_though_many_came_since(self, log: EventLog) -> None:
        await log.append([new(b"the first")])
        for _ in range(40):
            await log.append([new(b"x" * 100_000) for _ in range(2)])
        (record,) = await log.read("journal", 0, 0, limit=1)
        assert record.value == b"the first"
        assert len(await values(log)) == 81

    async def test_large_records_come_a_few_at_a_time(self, log: EventLog) -> None:
        for _ in range(12):
            await log.append([new(b"x" * 1_000_000)])
        first = await log.read("journal", 0, 0, limit=1_000)
        assert 1 <= len(first) < 12
        assert len(await all_of(log)) == 12

    async def test_a_read_says_where_the_next_one_begins(self, log: EventLog) -> None:
        await log.append(numbered(10))
        first = await log.read("journal", 0, 0, limit=4)
        second = await log.read("journal", 0, first.next, limit=100)
        last = await log.read("journal", 0, second.next, limit=100)
        assert [record.value for record in (*first, *second)] == [b"%d" % n for n in range(10)]
        assert list(last) == []
        assert last.next == second.next

    @pytest.mark.parametrize(("offset", "limit"), [(-1, 1), (0, 0), (0, -5)])
    async def test_impossible_ranges_are_refused(self, log: EventLog, offset: int, limit: int) -> None:
        with pytest.raises(ValueError, match="expected an offset"):
            await log.read("journal", 0, offset, limit=limit)

    async def test_end_offset_is_what_the_next_record_gets(self, log: EventLog) -> None:
        assert await log.end_offset("journal", 3) == 0
        await log.append(numbered(5, partition=3))
        assert await log.end_offset("journal", 3) == 5
        assert list(await log.append([new(b"", partition=3)])) == [5]


class TestCommitting:
    async def test_records_and_positions_go_together(self, log: EventLog) -> None:
        writer = await log.open_writer("g", 1)
        assert await log.committed("g", "inputs", 1) is None
        offsets = await writer.commit([new(b"a", partition=1), new(b"b", topic="changes", partition=1)], {"inputs": 17})
        assert list(offsets) == [0, 0]
        assert await log.committed("g", "inputs", 1) == 17
        assert await values(log, partition=1) == [b"a"]
        assert await values(log, "changes", 1) == [b"b"]

    async def test_positions_may_move_alone_and_records_be_written_alone(self, log: EventLog) -> None:
        writer = await log.open_writer("g", 0)
        assert list(await writer.commit([], {"inputs": 1, "commands": 2})) == []
        assert list(await writer.commit([new(b"a")], {})) == [0]
        assert list(await writer.commit([], {"inputs": 3})) == []
        assert await log.committed("g", "inputs", 0) == 3
        assert await log.committed("g", "commands", 0) == 2

    async def test_positions_are_each_group_s_and_partition_s_own(self, log: EventLog) -> None:
        for group, partition, position in (("g", 0, 1), ("g", 1, 2), ("h", 0, 3)):
            await (await log.open_writer(group, partition)).commit([], {"inputs": position})
        assert await log.committed("g", "inputs", 0) == 1
        assert await log.committed("g", "inputs", 1) == 2
        assert await log.committed("h", "inputs", 0) == 3
        assert await log.committed("h", "inputs", 1) is None

    async def test_what_is_refused_moves_nothing(self, log: EventLog) -> None:
        writer = await log.open_writer("g", 0)
        with pytest.raises(UnknownTopic):
            await writer.commit([new(b"a"), new(b"b", topic="nowhere")], {"inputs": 5})
        assert await log.committed("g", "inputs", 0) is None
        assert await values(log) == []

    async def test_partitions_commit_side_by_side_each_in_order(self, log: EventLog) -> None:
        async def commit_many(partition: int) -> None:
            writer = await log.open_writer("g", partition)
            for n in range(100):
                mine = [new(b"%d-%d" % (n, i), partition=partition) for i in range(n % 5 + 1)]
                offsets = await writer.commit(mine, {"inputs": n})
                assert list(offsets) == list(range(offsets[0], offsets[0] + len(mine)))

        await asyncio.gather(*map(commit_many, range(4)))
        for partition in range(4):
            assert await values(log, partition=partition) == [
                b"%d-%d" % (n, i) for n in range(100) for i in range(n % 5 + 1)
            ]
            assert await log.committed("g", "inputs", partition) == 99

    async def test_commits_at_the_same_time_do_not_mix(self, log: EventLog) -> None:
        writer = await log.open_writer("g", 0)
        batches = [[new(b"%d" % n)] * 3 for n in range(30)]
        await asyncio.gather(
            *[writer.commit(batch, {}) for batch in batches], *[log.append(batch) for batch in batches]
        )
        found = await values(log)
        assert len(found) == 180
        assert Counter(found) == {b"%d" % n: 6 for n in range(30)}
        if log.dense:  # on a cluster another producer's records may come between
            assert all(len(set(found[i : i + 3])) == 1 for i in range(0, 180, 3))

    async def test_a_reader_sees_all_of_a_commit_or_nothing(self, log: EventLog) -> None:
        writer = await log.open_writer("g", 0)
        done = asyncio.Event()

        async def watch() -> int:
            looks = 0
            while not done.is_set():
                assert len(await all_of(log)) % 3 == 0
                if log.dense:  # a cluster lets readers of different partitions see a commit at slightly different times
                    position = await log.committed("g", "inputs", 0) or 0
                    assert await log.end_offset("journal", 0) == 3 * position
                    assert await log.end_offset("changes", 0) == position
                looks += 1
                await asyncio.sleep(0)
            return looks

        watching = asyncio.create_task(watch())
        for n in range(1, 51):
            await writer.commit([*numbered(3), new(b"", topic="changes")], {"inputs": n})
        done.set()
        assert await watching > 0


class TestFencing:
    async def test_a_new_writer_fences_the_older_one(self, log: EventLog) -> None:
        old = await log.open_writer("g", 0)
        await old.commit([new(b"old")], {"inputs": 1})
        young = await log.open_writer("g", 0)
        with pytest.raises(Fenced, match=r"partition 0 of group \S*g\b"):
            await old.commit([new(b"too late")], {"inputs": 2})
        await young.commit([new(b"young")], {"inputs": 3})
        assert await values(log) == [b"old", b"young"]
        assert await log.committed("g", "inputs", 0) == 3

    async def test_a_fenced_writer_stays_fenced(self, log: EventLog) -> None:
        writers = [await log.open_writer("g", 0) for _ in range(3)]
        await writers[-1].close()
        for writer in writers:
            with pytest.raises(Fenced):
                await writer.commit([new(b"")], {"inputs": 9})
        assert await log.end_offset("journal", 0) == 0
        assert await log.committed("g", "inputs", 0) is None

    async def test_other_partitions_and_groups_are_not_concerned(self, log: EventLog) -> None:
        others = [await log.open_writer("g", 1), await log.open_writer("h", 0)]
        await log.open_writer("g", 0)
        for other in others:
            await other.commit([new(b"")], {"inputs": 1})
        assert await values(log) == [b"", b""]

    async def test_nothing_of_an_older_writer_comes_after_the_new_one_is_open(self, log: EventLog) -> None:
        for turns in range(20):  # of the event loop, so that some are met waiting and some being written
            old = await log.open_writer("g", 0)
            late = [asyncio.create_task(old.commit(numbered(2), {})) for _ in range(5)]
            for _ in range(turns % 5):
                await asyncio.sleep(0)
            await log.open_writer("g", 0)
            end = await log.end_offset("journal", 0)
            outcomes = await asyncio.gather(*late, return_exceptions=True)
            assert await log.end_offset("journal", 0) == end
            assert all(isinstance(outcome, Sequence | Fenced | TransactionFailed) for outcome in outcomes)

    async def test_who_is_fenced_does_not_fail_those_who_commit_at_the_same_time(self, log: EventLog) -> None:
        fenced, good = await log.open_writer("g", 0), await log.open_writer("g", 1)
        await log.open_writer("g", 0)
        outcomes = await asyncio.gather(
            good.commit([new(b"1", partition=1)], {}),
            fenced.commit([new(b"no")], {"inputs": 1}),
            good.commit([new(b"2", partition=1)], {}),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Fenced)
        assert await values(log, partition=1) == [b"1", b"2"]
        assert await values(log, partition=0) == []


class TestWaiting:
    async def test_returns_at_once_when_there_is_something(self, log: EventLog) -> None:
        await log.append(numbered(3, partition=2))
        assert await log.wait({("journal", 0): 0, ("journal", 2): 2}, timeout=DEADLINE_S)

    async def test_ends_when_nothing_comes(self, log: EventLog) -> None:
        await log.append(numbered(3))
        assert not await log.wait({("journal", 0): 3, ("changes", 0): 0}, timeout=0.01)
        assert not await log.wait({("journal", 0): 3}, timeout=0)

    async def test_is_woken_by_a_commit_to_any_of_the_partitions(self, log: EventLog) -> None:
        for partition in (0, 3):
            waiting = asyncio.create_task(
                log.wait({("journal", 0): 0 if partition == 0 else 1, ("journal", 3): 0}, timeout=DEADLINE_S)
            )
            await asyncio.sleep(0)
            await log.append([new(b"", partition=partition)])
            assert await waiting

    async def test_wakes_all_who_wait(self, log: EventLog) -> None:
        waiting = [asyncio.create_task(log.wait({("journal", 0): 0}, timeout=DEADLINE_S)) for _ in range(50)]
        await asyncio.sleep(0)
        await log.append([new(b"")])
        assert await asyncio.gather(*waiting) == [True] * 50

    async def test_what_is_waited_for_can_be_read(self, log: EventLog) -> None:
        async def follow() -> list[bytes | None]:
            found: list[Record] = []
            while len(found) < 300:
                assert await log.wait({("journal", 0): len(found)}, timeout=DEADLINE_S)
                records = await log.read("journal", 0, len(found), limit=10)
                assert records
                found += records
            return [record.value for record in found]

        following = asyncio.create_task(follow())
        for n in range(300):
            await log.append([new(b"%d" % n)])
        assert await following == [b"%d" % n for n in range(300)]

    async def test_is_not_ended_by_an_earlier_record(self, log: EventLog) -> None:
        waiting = asyncio.create_task(log.wait({("journal", 0): 2}, timeout=DEADLINE_S))
        await asyncio.sleep(0)
        await log.append(numbered(2))
        assert not waiting.done()
        await log.append(numbered(1))
        assert await waiting

    async def test_ends_when_the_log_is_closed(self, log: EventLog) -> None:
        waiting = asyncio.create_task(log.wait({("journal", 0): 0}, timeout=DEADLINE_S))
        await asyncio.sleep(0)
        await log.close()
        with pytest.raises(LogClosed):
            await waiting


class TestClosing:
    async def test_what_was_committed_is_there_again(self, reopen: OpenLog, log: EventLog) -> None:
        writer = await log.open_writer("g", 2)
        await writer.commit(numbered(700, partition=2), {"inputs": 41})
        before, cluster_id = await all_of(log, partition=2), log.cluster_id
        await log.close()

        log = await reopen()
        assert log.cluster_id == cluster_id
        assert await log.partitions("changes") == 4
        assert await all_of(log, partition=2) == before
        assert await log.committed("g", "inputs", 2) == 41
        end = await log.end_offset("journal", 2)
        assert end == 700 if log.dense else end > 700
        assert list(await log.append([new(b"next", partition=2)])) == [end]

    async def test_finishes_the_commits_that_wait(self, reopen: OpenLog, log: EventLog) -> None:
        writing = [asyncio.create_task(log.append(numbered(2))) for _ in range(10)]
        await asyncio.sleep(0)
        await log.close()
        await asyncio.gather(*writing)
        assert await (await reopen()).end_offset("journal", 0) == 20

    async def test_a_closed_log_says_so(self, log: EventLog) -> None:
        writer = await log.open_writer("g", 0)
        await log.close()
        await log.close()
        for refused in (
            log.append([]),
            writer.commit([], {"inputs": 1}),
            log.read("journal", 0, 0, limit=1),
            log.end_offset("journal", 0),
            log.open_writer("g", 0),
            log.create_topic("new", 1),
            log.committed("g", "inputs", 0),
        ):
            with pytest.raises(LogClosed):
                await refused

    async def test_another_log_has_another_id(self, log: EventLog, tmp_path: object, host: str) -> None:
        if host == "kafka":
            pytest.skip("another log is another cluster: tests/integration/kafka")
        other = await open_log(host, f"{tmp_path}/other")
        assert other.cluster_id != log.cluster_id
        await other.close()
