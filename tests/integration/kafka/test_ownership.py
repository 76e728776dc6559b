"""Partitions move between engines on a real broker: nothing is lost, nothing is done twice, and zombies are refused."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.group import LeaveGroupRequest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from domain.partition import home_partition
from schemas.command import decode_command
from schemas.event_log_errors import TransactionFailed
from schemas.topics import COMMANDS, CONTACT_EVENTS, JOURNAL
from streams.kafka.group_member import GroupMember
from streams.ownership import Expelled
from tests.support.engine_cluster import PARTITIONS, EngineCluster, eventually
from tests.support.kafka_engine import Calls, Engine, now_ms

pytestmark = pytest.mark.timeout(180)

TAG = {"name": "tag", "trigger": {"type": "contact_created"}, "steps": [{"id": "t", "type": "add_tag", "config": {"tag": "seen"}}]}  # fmt: skip
SLEEPY = GroupMember(session_timeout_ms=30_000, heartbeat_interval_ms=20_000)
"""A member that hears late of what the group decides."""

StartEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture
async def start_engine(cluster: EngineCluster, tmp_path: Path) -> AsyncIterator[StartEngine]:
    """Starts engines, by name (the same name: the same directory); those that still run are stopped after the test."""
    started: list[Engine] = []

    async def start(name: str = "a", **options: Any) -> Engine:
        engine = Engine(cluster, tmp_path / name, **options)
        started.append(engine)
        return await engine.start()

    yield start
    for engine in started:
        await engine.stop()


def contacts(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{n}" for n in range(count)]


def wait_then(seconds: float, *steps: dict[str, Any]) -> dict[str, Any]:
    delay = {"id": "wait", "type": "delay", "config": {"duration": seconds, "unit": "seconds"}}
    return {"name": "wait", "trigger": {"type": "contact_created"}, "steps": [delay, *steps]}


async def load(cluster: EngineCluster, rounds: int, data: dict[str, Any] | None = None) -> list[str]:
    """New contacts, 25 in each round; gives who they were."""
    sent: list[str] = []
    for n in range(rounds):
        batch = contacts(f"load{n}", 25)
        await cluster.facts(batch, "contact.created", data)
        sent += batch
        await asyncio.sleep(0.05)
    return sent


class TestMoving:
    async def test_a_second_engine_takes_its_half_and_gives_it_back(self, cluster, start_engine):
        a = await start_engine("a")
        assert a.owned == set(range(PARTITIONS))
        await cluster.publish(TAG)
        await cluster.facts(contacts("before", 100), "contact.created")
        b = await start_engine("b")
        await a.until_owns(4)
        assert a.owned | b.owned == set(range(PARTITIONS))
        await cluster.facts(contacts("between", 100), "contact.created")
        await b.stop()
        await a.until_owns(8)
        await cluster.facts(contacts("after", 100), "contact.created")
        await eventually(lambda: self.all_done(cluster, 300), "all contacts to be done")
        await cluster.check_each_ran_once(
            [*contacts("before", 100), *contacts("between", 100), *contacts("after", 100)], steps=1
        )
        assert a.crashes == b.crashes == []

    async def all_done(self, cluster, count):
        return await cluster.count("enrollment_completed") == count

    async def test_partitions_that_move_under_load_lose_and_repeat_nothing(self, cluster, start_engine):
        a = await start_engine("a")
        await cluster.publish(TAG)
        loading = asyncio.create_task(load(cluster, 60))
        b = await start_engine("b")
        c = await start_engine("c")
        await b.stop()
        await c.stop()
        sent = await loading
        await eventually(lambda: self.all_done(cluster, len(sent)), "all contacts to be done")
        await cluster.check_each_ran_once(sent, steps=1)
        assert a.crashes == b.crashes == c.crashes == []

    async def test_timers_go_with_their_partition(self, cluster, start_engine):
        a = await start_engine("a")
        await cluster.publish(wait_then(2, *TAG["steps"]))
        waiting = contacts("w", 40)
        await cluster.facts(waiting, "contact.created")
        await eventually(lambda: self.count(cluster, "timer_set", 40), "all contacts to wait")
        await a.stop()
        await start_engine("b")
        await eventually(lambda: self.all_done(cluster, 40), "all contacts to be done")
        await cluster.check_each_ran_once(waiting, steps=2)

    async def count(self, cluster, kind, number):
        return await cluster.count(kind) == number


class TestCleanStop:
    async def test_a_call_in_flight_ends_and_its_outcome_reaches_the_new_owner_while_load_comes_in(
        self, cluster, start_engine
    ):
        calls = Calls()
        a = await start_engine("a", calls=calls)
        sms = {"id": "s", "type": "send_sms", "config": {"body": "hi"}}
        await cluster.publish({"name": "s", "trigger": {"type": "contact_created"}, "steps": [sms]})
        b = await start_engine("b", calls=calls)
        await a.until_owns(4)
        moving = b.owned
        calls.answering.clear()
        ids = contacts("c", 24)
        reachable = {"contact": {"phone": "+15550001111"}}
        await cluster.facts(ids, "contact.created", reachable)
        await eventually(lambda: len(calls.keys) == 24, "all calls to be in flight")
        loading = asyncio.create_task(load(cluster, 20, reachable))
        began = time.monotonic()
        stopping = asyncio.create_task(b.stop())
        await a.until_owns(8)
        print(f"handed over in {time.monotonic() - began:.2f} s")
        assert not stopping.done(), "it waits for its calls"
        calls.answering.set()
        await stopping
        ids += await loading
        await eventually(lambda: self.done(cluster, len(ids)), "all enrollments to be completed")
        assert sorted(calls.keys) == sorted(ids)
        posted = {decode_command(record.value).contact_id for record in await cluster.commands()}
        assert posted >= {i for i in ids[:24] if home_partition(i, PARTITIONS) in moving}
        assert {home_partition(i, PARTITIONS) for i in posted} <= moving
        assert await cluster.count("attempt_succeeded") == len(ids)
        assert a.crashes == b.crashes == []

    async def done(self, cluster, count):
        return await cluster.count("enrollment_completed") == count


class TestZombies:
    async def test_transactions_of_timers_alone_are_refused_to_an_expelled_member(self, cluster, start_engine):
        """Of several partitions at once, so that they share a transaction."""
        a = await start_engine("a", member=SLEEPY)
        await cluster.publish(wait_then(3, *TAG["steps"]))
        ids = contacts("z", 16)
        await cluster.facts(ids, "contact.created")
        await eventually(lambda: self.count(cluster, "timer_set"), "all contacts to wait")
        await expel(cluster, a)
        await eventually(lambda: a.crashes, "the engine to crash")
        assert isinstance(a.crashes[0], TransactionFailed)
        assert {events[-1].__struct_config__.tag for events in (await cluster.by_contact()).values()} == {"timer_set"}
        await a.stop()
        await start_engine("b")
        await eventually(lambda: self.count(cluster, "enrollment_completed"), "all to be done by another engine")
        await cluster.check_each_ran_once(ids, steps=2)

    async def test_an_expelled_engine_that_has_nothing_to_write_crashes_too(self, cluster, start_engine):
        a = await start_engine("a")
        await expel(cluster, a)
        await eventually(lambda: a.crashes, "the engine to crash")
        assert isinstance(a.crashes[0], Expelled)

    async def count(self, cluster, kind):
        return await cluster.count(kind) == 16


class TestOpening:
    """An older owner's transaction may be carried by another of its partitions, which opening this one does not fence."""

    @pytest.fixture
    async def carried(self, cluster):
        """A transaction of partition 5's owner, with a record of partition 3's journal."""
        producer = Producer({"bootstrap.servers": cluster.settings.bootstrap, "transactional.id": "headrace-5"})
        await asyncio.to_thread(producer.init_transactions, 20)
        producer.begin_transaction()
        producer.produce(JOURNAL, b"carried", partition=3)
        await asyncio.to_thread(producer.flush, 20)
        return producer

    async def test_a_journal_does_not_end_before_what_an_older_owner_can_still_commit(self, cluster, carried):
        await cluster.log.open_writer("headrace", 3)
        end = asyncio.create_task(cluster.log.end_offset(JOURNAL, 3))
        await asyncio.wait([end], timeout=0.3)
        assert not end.done()
        await asyncio.to_thread(carried.commit_transaction, 20)
        assert await end > 0
        assert [record.value for record in await cluster.records(JOURNAL, 3)] == [b"carried"]

    async def test_it_ends_as_soon_as_the_partition_that_carried_it_has_a_new_owner(self, cluster, carried):
        await cluster.log.open_writer("headrace", 3)
        await cluster.log.open_writer("headrace", 5)
        assert await cluster.log.end_offset(JOURNAL, 3) > 0
        assert await cluster.records(JOURNAL, 3) == []
        with pytest.raises(KafkaException):
            await asyncio.to_thread(carried.commit_transaction, 20)


async def expel(cluster: EngineCluster, engine: Engine) -> None:
    """Tell the group that the engine left, as its broker concludes from silence; the engine does not hear of it."""
    member_id = engine.running.ownership.member_id
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.settings.bootstrap)
    await consumer.start()
    try:
        client = consumer._client
        coordinator = await client.coordinator_lookup(0, "headrace")
        await client.ready(coordinator)
        answer = await client.send(coordinator, LeaveGroupRequest("headrace", member_id))
        assert answer.error_code == 0, answer
    finally:
        await consumer.stop()


class TestPositions:
    async def test_a_group_offset_that_expired_changes_nothing(self, cluster, start_engine):
        a = await start_engine("a")
        await cluster.publish(TAG)
        await cluster.facts(contacts("c", 50), "contact.created")
        await eventually(lambda: self.done(cluster, 50), "all contacts to be done")
        await a.stop()
        before = {n: await cluster.log.end_offset(JOURNAL, n) for n in range(PARTITIONS)}
        admin = AdminClient({"bootstrap.servers": cluster.settings.bootstrap, "log_level": 0})
        await asyncio.to_thread(admin.delete_consumer_groups(["headrace"])["headrace"].result, 30)
        assert await cluster.log.committed("headrace", CONTACT_EVENTS, 0) is None
        b = await start_engine("b")
        for n in range(PARTITIONS):
            assert b.running.host.start_position(CONTACT_EVENTS, n) == await cluster.log.end_offset(CONTACT_EVENTS, n)
        await cluster.facts(["late"], "contact.created")
        await eventually(lambda: self.done(cluster, 51), "the late one to be done")
        after = {n: await cluster.log.end_offset(JOURNAL, n) for n in range(PARTITIONS)}
        assert {n for n in range(PARTITIONS) if after[n] != before[n]} == {home_partition("late", PARTITIONS)}

    async def done(self, cluster, count):
        return await cluster.count("enrollment_completed") == count

    async def test_an_unread_reply_beats_its_time_out_after_downtime(self, cluster, start_engine):
        replied = {"id": "c", "type": "condition", "config": {"field": "last_sms_reply", "operator": "exists"}, "branches": {"true": "yes", "false": "no"}}  # fmt: skip
        yes = {"id": "yes", "type": "add_tag", "config": {"tag": "replied"}, "next": "end"}
        no = {"id": "no", "type": "add_tag", "config": {"tag": "silent"}}
        a = await start_engine("a")
        await cluster.publish(wait_then(3, replied, yes, no))
        ids = contacts("c", 40)
        await cluster.facts(ids, "contact.created")
        await eventually(lambda: self.waiting(cluster, 40), "all contacts to wait")
        await a.stop()
        await cluster.facts(ids, "contact.sms_received", {"body": "hello"})
        timers = [e for events in (await cluster.journals()).values() for e in events if e.__struct_config__.tag == "timer_set"]  # fmt: skip
        last_due_ms = max(timer.due_at_ms for timer in timers)
        replies = [record for n in range(PARTITIONS) for record in await cluster.records(CONTACT_EVENTS, n)]
        assert max(record.timestamp_ms for record in replies) < min(timer.due_at_ms for timer in timers)
        await eventually(lambda: now_ms() > last_due_ms, "all time-outs to be due")
        await start_engine("b")
        await eventually(lambda: self.done(cluster, 40), "all contacts to be done")
        changes = [e.personal.data["tag"] for events in (await cluster.by_contact()).values() for e in events if e.__struct_config__.tag == "contact_changed"]  # fmt: skip
        assert changes == ["replied"] * 40

    async def waiting(self, cluster, count):
        return await cluster.count("timer_set") == count

    async def test_aborted_records_are_invisible_and_hold_up_no_timer(self, cluster, start_engine):
        await start_engine("a")
        await cluster.publish(wait_then(1, *TAG["steps"]))
        await cluster.fact("ada", "contact.created")
        await eventually(lambda: self.waiting(cluster, 1), "ada to wait")
        await asyncio.to_thread(self.abort, cluster, "ada")
        await eventually(lambda: self.done(cluster, 1), "ada to be done")
        await cluster.check_each_ran_once(["ada"], steps=2)

    def abort(self, cluster, contact_id):
        """As an upstream service that fails in its transaction."""
        producer = Producer({"bootstrap.servers": cluster.settings.bootstrap, "transactional.id": "crm"})
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce(CONTACT_EVENTS, b'{"type": "gone"}', contact_id, home_partition(contact_id, PARTITIONS))
        producer.flush()
        producer.abort_transaction(20)


class TestCatalogue:
    async def test_publish_then_event_always_enrols(self, cluster, start_engine):
        a = await start_engine("a")
        b = await start_engine("b")
        await a.until_owns(4)
        for n in range(5):
            ids = contacts(f"round{n}", 16)
            await cluster.publish({**TAG, "name": f"w{n}", "trigger": {"type": "event", "config": {"name": f"go{n}"}}})
            await cluster.facts(ids, f"go{n}")
            await eventually(lambda n=n: self.enrolled(cluster, 16 * (n + 1)), "all contacts to be enrolled")
        assert a.crashes == b.crashes == []

    async def enrolled(self, cluster, count):
        return await cluster.count("enrolled") == count


class TestWrongPartition:
    async def test_a_record_on_the_wrong_partition_is_decided_once_at_home(self, cluster, start_engine):
        await start_engine("a")
        await cluster.publish(TAG)
        home = home_partition("ada", PARTITIONS)
        await cluster.fact("ada", "contact.created", id="one", partition=(home + 1) % PARTITIONS)
        await eventually(lambda: self.done(cluster, "ada"), "ada to be done")
        await cluster.fact("ada", "contact.created", id="one", partition=(home + 2) % PARTITIONS)
        await cluster.fact("ada", "contact.created", id="one")
        await cluster.fact("bob", "contact.created", partition=(home_partition("bob", PARTITIONS) + 1) % PARTITIONS)
        await eventually(lambda: self.done(cluster, "bob"), "bob to be done")
        await eventually(lambda: self.rekeyed(cluster, 3), "all strays to be sent home")
        await cluster.check_each_ran_once(["ada", "bob"], steps=1)

    async def done(self, cluster, contact_id):
        return "enrollment_completed" in await cluster.kinds(contact_id)

    async def rekeyed(self, cluster, count):
        records = await cluster.commands()
        assert all(record.partition == home_partition(record.key.decode(), PARTITIONS) for record in records)
        assert {record.topic for record in records} <= {COMMANDS}
        return len(records) == count


class TestClock:
    async def test_an_engine_with_a_wrong_clock_decides_nothing_until_it_is_right(self, cluster, start_engine):
        error_ms = 0
        a = await start_engine("a", clock=lambda: now_ms() + error_ms, look_at_clock_every_s=0.2)
        await cluster.publish(wait_then(60, *TAG["steps"]))
        await cluster.fact("ada", "contact.created")
        await eventually(lambda: self.has(cluster, "ada", "timer_set"), "ada to wait")
        error_ms = 3_600_000
        await eventually(lambda: not a.running.host.clock_trusted, "the clock to be found wrong")
        await cluster.fact("bob", "contact.created")
        deadline = time.monotonic() + 2
        await eventually(lambda: time.monotonic() > deadline, "some time to go by")
        assert await cluster.kinds("bob") == []
        assert (await cluster.kinds("ada"))[-1] == "timer_set"
        error_ms = 0
        await eventually(lambda: self.has(cluster, "bob", "timer_set"), "bob to wait")
        assert a.crashes == []

    async def has(self, cluster, contact_id, kind):
        return kind in await cluster.kinds(contact_id)
