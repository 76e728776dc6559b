"""What is particular to the log in an SQLite file; what all logs promise is in tests/conformance."""

import asyncio
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from schemas.event_log import NewRecord
from schemas.event_log_errors import LogUnreadable, LogWriteFailed
from streams.embedded.log import EmbeddedEventLog


def new(value: bytes, partition: int = 0) -> NewRecord:
    return NewRecord(topic="journal", partition=partition, key=b"c-1", value=value)


class Clock:
    """Engine time that tests set."""

    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def log(tmp_path: Path, clock: Clock) -> AsyncIterator[EmbeddedEventLog]:
    """A log with the topic `journal`, of 4 partitions."""
    log = await EmbeddedEventLog.open(tmp_path / "log", clock=clock)
    await log.create_topic("journal", 4)
    yield log
    await log.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The log's file."""
    return tmp_path / "log" / "log.sqlite"


@pytest.fixture(params=["garbage", "another database"])
def foreign_file(file: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file in the log's place, of which every byte must still be there after the test."""
    file.parent.mkdir()
    if request.param == "garbage":
        file.write_bytes(b"not a database at all" * 100)
    else:
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE something (text TEXT)")
    before = file.read_bytes()
    yield file
    assert file.read_bytes() == before


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As if the disk were full: the operating system refuses to let any file of this process grow beyond `size`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def values(log: EmbeddedEventLog, partition: int = 0) -> list[bytes | None]:
    return [record.value for record in await log.read("journal", partition, 0, limit=100)]


class TestTime:
    async def test_a_record_has_the_time_of_its_commit(self, log: EmbeddedEventLog, clock: Clock) -> None:
        for now_ms in (1_000, 5_000):
            clock.now_ms = now_ms
            await log.append([new(b"")])
        assert [record.timestamp_ms for record in await log.read("journal", 0, 0, limit=9)] == [1_000, 5_000]

    async def test_does_not_go_back_with_the_clock_not_even_after_reopening(self, tmp_path: Path, clock: Clock) -> None:
        for now_ms in (5_000, 3_000, 6_000):
            clock.now_ms = now_ms
            log = await EmbeddedEventLog.open(tmp_path / "log", clock=clock)
            await log.create_topic("journal", 1)
            await log.append([new(b"")])
            stamps = [record.timestamp_ms for record in await log.read("journal", 0, 0, limit=9)]
            await log.close()
        assert stamps == [5_000, 5_000, 6_000]


class TestTroubleWithTheFile:
    async def test_a_full_disk_is_told_and_the_log_goes_on_when_there_is_room_again(
        self, log: EmbeddedEventLog, file: Path, tmp_path: Path, clock: Clock
    ) -> None:
        writer = await log.open_writer("g", 0)
        await writer.commit([new(b"before")], {"inputs": 1})
        with (
            files_no_larger_than(file.with_suffix(".sqlite-wal").stat().st_size + 100_000),
            pytest.raises(LogWriteFailed, match=r"could not write 1 records .*see that there is room"),
        ):
            await writer.commit([new(b"x" * 1_000_000)], {"inputs": 2})
        assert await values(log) == [b"before"]
        assert await log.committed("g", "inputs", 0) == 1
        assert list(await writer.commit([new(b"after")], {"inputs": 3})) == [1]
        await log.close()

        again = await EmbeddedEventLog.open(tmp_path / "log", clock=clock)
        assert await values(again) == [b"before", b"after"]
        assert await again.committed("g", "inputs", 0) == 3
        await again.close()

    async def test_what_one_request_can_not_write_does_not_fail_its_neighbours(
        self, log: EmbeddedEventLog, file: Path
    ) -> None:
        """A foreign hand put a row where partition 2 goes on."""
        with closing(sqlite3.connect(file, isolation_level=None)) as foreign:
            (first,) = foreign.execute("SELECT first_number FROM topic").fetchone()
            foreign.execute("INSERT INTO chunk VALUES (?, 1, 1, x'90')", ((first + 2) << 40,))
        outcomes = await asyncio.gather(
            *[log.append([new(b"%d" % partition, partition)]) for partition in range(4)], return_exceptions=True
        )
        assert [isinstance(outcome, LogWriteFailed) for outcome in outcomes] == [False, False, True, False]
        assert [await values(log, partition) for partition in (0, 1, 3)] == [[b"0"], [b"1"], [b"3"]]
        assert await log.end_offset("journal", 2) == 0

    async def test_a_caller_that_is_gone_before_its_turn_writes_nothing(self, log: EmbeddedEventLog) -> None:
        first = asyncio.create_task(log.append([new(b"first")]))
        gone = asyncio.create_task(log.append([new(b"gone")]))
        await asyncio.sleep(0)
        gone.cancel()
        await first
        assert await values(log) == [b"first"]

    async def test_a_file_that_is_no_log_is_refused_and_left_alone(self, foreign_file: Path, clock: Clock) -> None:
        with pytest.raises(LogUnreadable, match=str(foreign_file)):
            await EmbeddedEventLog.open(foreign_file.parent, clock=clock)

    async def test_a_log_of_a_later_version_is_refused(self, log: EmbeddedEventLog, file: Path, clock: Clock) -> None:
        await log.close()
        with closing(sqlite3.connect(file)) as later:
            later.execute("PRAGMA user_version = 99")
        with pytest.raises(LogUnreadable, match="expected a log of version 1, found 99"):
            await EmbeddedEventLog.open(file.parent, clock=clock)


class TestTheFile:
    @pytest.mark.parametrize(("fsync", "synchronous"), [(True, 2), (False, 1)], ids=["fsync", "no fsync"])
    async def test_commits_reach_the_disk_unless_told_otherwise(
        self, tmp_path: Path, clock: Clock, fsync: bool, synchronous: int
    ) -> None:
        log = await EmbeddedEventLog.open(tmp_path / "log", clock=clock, fsync=fsync)
        assert log._writer.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert log._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        await log.close()

    async def test_is_its_owner_s_alone(self, log: EmbeddedEventLog, file: Path) -> None:
        assert file.parent.stat().st_mode & 0o777 == 0o700

    async def test_requests_that_wait_share_a_transaction(self, log: EmbeddedEventLog) -> None:
        statements: list[str] = []
        log._writer.set_trace_callback(statements.append)
        await asyncio.gather(*[log.append([new(b"%d" % n, n % 4)]) for n in range(12)])
        assert statements.count("COMMIT") == 1
        assert "ROLLBACK" not in statements

    async def test_each_topic_has_an_id_of_its_own_for_good(
        self, log: EmbeddedEventLog, tmp_path: Path, clock: Clock
    ) -> None:
        await log.create_topic("other", 1)
        ids = [await log.topic_id("journal"), await log.topic_id("other")]
        await log.close()
        again = await EmbeddedEventLog.open(tmp_path / "log", clock=clock)
        assert [await again.topic_id("journal"), await again.topic_id("other")] == ids
        assert len(set(ids)) == 2
        await again.close()

    async def test_only_the_last_records_stay_in_memory(self, log: EmbeddedEventLog) -> None:
        for n in range(60):
            await log.append([new(b"%d" % n * 10_000)] * 10)
        partition = log._topics["journal"].partitions[0]
        assert 0 < sum(len(record.value or b"") for record in partition._tail) <= 1024 * 1024
        assert [record.offset for record in partition._tail] == list(range(600 - len(partition._tail), 600))

    async def test_closing_ends_its_threads(self, log: EmbeddedEventLog) -> None:
        await log.append([new(b"")])
        await log.close()
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("headrace-log")]
