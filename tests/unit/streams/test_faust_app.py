"""The Faust app hands every record of the log to its agent: in order, once, from where the engine says."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from schemas.event_log import NewRecord
from schemas.event_log_errors import LogClosed, UnknownTopic
from streams.batch import Batch
from streams.delivery import Delivery, DeliverySettings
from streams.embedded.log import EmbeddedEventLog
from streams.faust_app import FaustHost, HandlerCancelled, build_faust_app, register_agent

DEADLINE_S = 20
ROOT = Path(__file__).parents[3]
Place = tuple[str, int]


@dataclass
class Engine:
    """Takes batches as the engine does: what joins its position counts, and moves it."""

    positions: defaultdict[Place, int] = field(default_factory=lambda: defaultdict(int))
    taken: defaultdict[Place, list[bytes | None]] = field(default_factory=lambda: defaultdict(list))
    batches: list[Batch] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, batch: Batch) -> None:
        place = batch.topic, batch.partition
        assert batch.first == self.positions[place], "the batch does not join"
        self.batches.append(batch)
        self.taken[place] += [record.value for record in batch.records]
        self.positions[place] = batch.next
        await self.tell()

    def start_position(self, topic: str, partition: int) -> int:
        return self.positions[topic, partition]

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def crashed(self, error: BaseException) -> None:
        self.crashes.append(error)
        self.told = asyncio.ensure_future(self.tell())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S), self.changed:
            await self.changed.wait_for(condition)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EmbeddedEventLog]:
    """A log with the topics `events` and `commands`, of 4 partitions each."""
    log = await open_log(tmp_path)
    yield log
    await log.close()


@pytest.fixture
async def engine() -> Engine:
    return Engine()


async def open_log(directory: Path) -> EmbeddedEventLog:
    log = await EmbeddedEventLog.open(directory / "log", clock=lambda: 1, fsync=False)
    for topic in ("events", "commands"):
        await log.create_topic(topic, 4)
    return log


async def start(
    log: EmbeddedEventLog,
    engine: Engine,
    *,
    handler: Callable[[Batch], Awaitable[None]] | None = None,
    topics: tuple[str, ...] = ("events", "commands"),
    **settings: int,
) -> FaustHost:
    delivery = Delivery(
        start_position=engine.start_position, on_crash=engine.crashed, settings=DeliverySettings(**settings)
    )
    app = build_faust_app(app_id="test", log=log, delivery=delivery)
    for topic in topics:
        register_agent(app, topic, handler or engine.take)
    host = FaustHost(app)
    await host.start()
    return host


async def append(log: EmbeddedEventLog, start: int, count: int, *, topic: str = "events", partition: int = 0) -> None:
    values = [b"%d" % n for n in range(start, start + count)]
    await log.append([NewRecord(topic=topic, partition=partition, key=None, value=value) for value in values])


def numbers(count: int) -> list[bytes | None]:
    return [b"%d" % n for n in range(count)]


async def delivered_once_in_order_across_restarts(directory: Path) -> None:
    log, engine = await open_log(directory), Engine()
    places = [(topic, partition) for topic in ("events", "commands") for partition in range(4)]
    written = 0
    for _ in range(4):  # each time some wait when the app starts, and some come while it runs
        for running in (False, True):
            if running:
                host = await start(log, engine, max_batch_records=7)
            for topic, partition in places:
                await append(log, written, 40, topic=topic, partition=partition)
            written += 40
        if written < 320:  # in the middle of it
            await engine.until(lambda: min(engine.positions.values()) > 0)
        else:
            await engine.until(lambda: all(engine.positions[place] == 320 for place in places))
        await host.stop()
    assert {place: engine.taken[place] for place in places} == {place: numbers(written) for place in places}
    assert not engine.crashes
    await log.close()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_every_record_is_delivered_once_in_order_across_restarts(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(delivered_once_in_order_across_restarts(tmp_path))


class TestBatches:
    async def test_join_each_other_and_hold_no_more_than_was_set(self, log: EmbeddedEventLog, engine: Engine) -> None:
        await append(log, 0, 100)
        host = await start(log, engine, max_batch_records=30)
        await engine.until(lambda: engine.positions["events", 0] == 100)
        await host.stop()
        assert [(batch.first, batch.next, len(batch.records)) for batch in engine.batches] == [
            (0, 30, 30),
            (30, 60, 30),
            (60, 90, 30),
            (90, 100, 10),
        ]

    async def test_come_when_something_is_committed(self, log: EmbeddedEventLog, engine: Engine) -> None:
        host = await start(log, engine)
        for n in range(50):
            await append(log, n, 1, partition=2)
            await engine.until(lambda n=n: engine.positions["events", 2] == n + 1)
        await host.stop()
        assert engine.taken["events", 2] == numbers(50)

    async def test_begin_where_the_engine_says(self, log: EmbeddedEventLog, engine: Engine) -> None:
        await append(log, 0, 10)
        engine.positions["events", 0] = 7
        host = await start(log, engine)
        await engine.until(lambda: engine.positions["events", 0] == 10)
        await host.stop()
        assert engine.taken["events", 0] == [b"7", b"8", b"9"]


class TestSeeking:
    async def test_back_delivers_again(self, log: EmbeddedEventLog, engine: Engine) -> None:
        await append(log, 0, 20)
        host = await start(log, engine, max_batch_records=5)
        await engine.until(lambda: engine.positions["events", 0] == 20)
        engine.positions["events", 0] = 12
        host.seek("events", 0, 12)
        await engine.until(lambda: engine.positions["events", 0] == 20)
        await append(log, 20, 5)
        await engine.until(lambda: engine.positions["events", 0] == 25)
        await host.stop()
        assert engine.taken["events", 0] == numbers(20) + numbers(25)[12:]

    async def test_drops_what_waits_undelivered(self, log: EmbeddedEventLog, engine: Engine) -> None:
        """The engine seeks while it has a batch in hand and others are read ahead: none of those reaches it."""
        await append(log, 0, 100)
        sought = False

        async def take(batch: Batch) -> None:
            nonlocal sought
            if not sought and batch.first == 20:
                await asyncio.sleep(0)  # let what may be read ahead be read
                host.seek("events", 0, 10)
                engine.positions["events", 0] = 10
                sought = True
                return
            await engine.take(batch)

        host = await start(log, engine, handler=take, max_batch_records=10)
        await engine.until(lambda: engine.positions["events", 0] == 100)
        await host.stop()
        assert engine.taken["events", 0] == numbers(20) + numbers(100)[10:]
        assert not engine.crashes

    async def test_again_and_again_leaves_room_for_batches(
        self, log: EmbeddedEventLog, engine: Engine, tmp_path: Path
    ) -> None:
        await append(log, 0, 50)
        await log.close()
        log = await open_log(tmp_path)  # with nothing in memory: reading takes a while, and seeks come in between
        host = await start(log, engine, max_batch_records=10)
        for turns in range(20):  # of the event loop, so that some seeks meet a feed at work and some one at rest
            await engine.until(lambda: engine.positions["events", 0] == 50)
            for _ in range(turns):
                await asyncio.sleep(0)
            engine.positions["events", 0] = 0
            host.seek("events", 0, 0)
            host.seek("events", 0, 0)
        await engine.until(lambda: engine.positions["events", 0] == 50)
        await append(log, 50, 10)
        await engine.until(lambda: engine.positions["events", 0] == 60)
        await host.stop()
        await log.close()
        assert engine.taken["events", 0] == numbers(50) * 21 + numbers(60)[50:]
        assert not engine.crashes


class TestASlowHandler:
    async def test_holds_up_no_other_partition_and_is_not_read_ahead_of(
        self, log: EmbeddedEventLog, engine: Engine
    ) -> None:
        go_on = asyncio.Event()

        async def take(batch: Batch) -> None:
            if batch.partition == 0:
                await go_on.wait()
            await engine.take(batch)

        for partition in range(4):
            await append(log, 0, 1_000, partition=partition)
        host = await start(log, engine, handler=take, max_batch_records=10, max_waiting_batches=3)
        await engine.until(lambda: all(engine.positions["events", partition] == 1_000 for partition in (1, 2, 3)))
        assert engine.positions["events", 0] == 0
        assert host._app.consumer.feeds["events", 0].position == 30
        go_on.set()
        await engine.until(lambda: engine.positions["events", 0] == 1_000)
        await host.stop()
        assert engine.taken["events", 0] == numbers(1_000)

    async def test_is_cancelled_when_the_app_stops(self, log: EmbeddedEventLog, engine: Engine) -> None:
        at_work, cancelled = asyncio.Event(), asyncio.Event()

        async def take(_batch: Batch) -> None:
            at_work.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        await append(log, 0, 100)
        host = await start(log, engine, handler=take, max_batch_records=10)
        async with asyncio.timeout(DEADLINE_S):
            await at_work.wait()
            await host.stop()
        assert cancelled.is_set()
        assert not engine.crashes


class TestCrashes:
    async def test_a_handler_s_exception_reaches_the_host_and_its_batch_is_not_skipped(
        self, log: EmbeddedEventLog, engine: Engine
    ) -> None:
        failure = RuntimeError("no such thing")
        delivered = []

        async def take(batch: Batch) -> None:
            delivered.append((batch.partition, batch.first))
            if (batch.partition, batch.first) == (0, 20):
                raise failure
            await engine.take(batch)

        await append(log, 0, 60)
        host = await start(log, engine, handler=take, max_batch_records=10)
        await engine.until(lambda: engine.crashes == [failure])
        await append(log, 0, 5, partition=1)
        await engine.until(lambda: engine.positions["events", 1] == 5)
        await host.stop()
        assert delivered == [(0, 0), (0, 10), (0, 20), (1, 0)]
        assert engine.crashes == [failure]

        host = await start(log, engine)
        await engine.until(lambda: engine.positions["events", 0] == 60)
        await host.stop()
        assert engine.taken["events", 0] == numbers(60)

    async def test_only_the_first_is_told(self, log: EmbeddedEventLog, engine: Engine) -> None:
        failing = asyncio.Barrier(4)

        async def take(batch: Batch) -> None:
            await failing.wait()
            raise RuntimeError(batch.partition)

        for partition in range(4):
            await append(log, 0, 1, partition=partition)
        host = await start(log, engine, handler=take)
        await engine.until(lambda: bool(engine.crashes))
        await host.stop()
        assert len(engine.crashes) == 1

    async def test_a_handler_that_is_cancelled_from_within_is_a_crash(
        self, log: EmbeddedEventLog, engine: Engine
    ) -> None:
        async def take(_batch: Batch) -> None:
            raise asyncio.CancelledError

        await append(log, 0, 10)
        host = await start(log, engine, handler=take)
        await engine.until(lambda: bool(engine.crashes))
        await host.stop()
        assert isinstance(engine.crashes[0], HandlerCancelled)
        assert "partition 0, offset 0" in str(engine.crashes[0])

    async def test_a_log_that_can_not_be_read_on_is_told_once(self, log: EmbeddedEventLog, engine: Engine) -> None:
        host = await start(log, engine)
        await log.close()
        await engine.until(lambda: bool(engine.crashes))
        await host.stop()
        assert [type(crash) for crash in engine.crashes] == [LogClosed]

    async def test_an_unknown_topic_is_refused_at_the_start(self, log: EmbeddedEventLog, engine: Engine) -> None:
        with pytest.raises(UnknownTopic, match="nowhere"):
            await start(log, engine, topics=("events", "nowhere"))

    async def test_a_start_position_that_can_not_be_given_ends_the_start(
        self, log: EmbeddedEventLog, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def start_position(_topic: str, _partition: int) -> int:
            raise LookupError("the actor is not open")

        monkeypatch.setattr(engine, "start_position", start_position)
        before = asyncio.all_tasks()
        with pytest.raises(LookupError, match="the actor is not open"):
            await start(log, engine)
        await engine.until(lambda: bool(engine.crashes))
        assert asyncio.all_tasks() <= {*before, engine.told}


class TestLife:
    async def test_leaves_no_task_behind_and_says_nothing(
        self, log: EmbeddedEventLog, engine: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        before = asyncio.all_tasks()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with caplog.at_level(logging.INFO):
            host = await start(log, engine)
            await append(log, 0, 10)
            await engine.until(lambda: engine.positions["events", 0] == 10)
            await host.stop()
            await host.stop()
        assert asyncio.all_tasks() == before
        assert caplog.messages == []
        assert capfd.readouterr() == ("", "")
        assert {number: signal.getsignal(number) for number in handlers} == handlers

    async def test_can_be_stopped_though_it_never_started(self, log: EmbeddedEventLog) -> None:
        engine = Engine()
        delivery = Delivery(start_position=engine.start_position, on_crash=engine.crashed)
        app = build_faust_app(app_id="test", log=log, delivery=delivery)
        register_agent(app, "events", engine.take)
        before = asyncio.all_tasks()
        await FaustHost(app).stop()
        assert asyncio.all_tasks() == before

    async def test_writes_no_files(
        self, log: EmbeddedEventLog, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = tmp_path / "here"
        here.mkdir()
        monkeypatch.chdir(here)
        host = await start(log, engine)
        await host.stop()
        assert list(here.iterdir()) == []

    async def test_two_may_run_side_by_side(self, log: EmbeddedEventLog) -> None:
        engines = [Engine(), Engine()]
        hosts = [await start(log, engine) for engine in engines]
        await append(log, 0, 10)
        for engine in engines:
            await engine.until(lambda engine=engine: engine.positions["events", 0] == 10)
        for host in hosts:
            await host.stop()


def test_only_the_faust_app_imports_faust() -> None:
    """It is slow to import, so commands that need no agents do without."""
    code = "import sys, streams.embedded.log, streams.delivery, streams.embedded.feed; sys.exit('faust' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
