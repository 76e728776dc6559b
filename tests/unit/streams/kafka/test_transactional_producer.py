"""A transaction's steps, each begun when the one before it is done, and what is asked again when brokers are busy."""

import asyncio
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import CoordinationType
from confluent_kafka import KafkaError, KafkaException

from schemas.event_log import NewRecord
from streams.kafka.brokers import Brokers
from streams.kafka.group import Membership
from streams.kafka.record_batches import BATCH_BYTES
from streams.kafka.records import Place
from streams.kafka.settings import KafkaSettings
from streams.kafka.transactional_producer import Commit, TransactionalProducer

SETTINGS = KafkaSettings(bootstrap="nowhere")
MEMBER = Membership("g", 4, "me")
COORDINATOR = 9
NAMES = {0: "produce", 22: "begin", 24: "add partitions", 25: "add group", 26: "end", 28: "move positions"}

Asked = tuple[str, dict[str, Any]]


class FakeBrokers(Brokers):
    """Partition n is led by broker n % 2. Errors are given in order, to the first question of their name; else all is well."""

    def __init__(self) -> None:
        super().__init__(SETTINGS)
        self.asked: list[Asked] = []
        self.errors: dict[str, list[int]] = {}
        self.ends: dict[Place, int] = {}
        self.answers: dict[str, asyncio.Event] = {}

    async def coordinator(self, kind: CoordinationType, key: str) -> int:
        return COORDINATOR

    async def leaders(self, places: Iterable[Place]) -> dict[int, list[Place]]:
        found: dict[int, list[Place]] = {}
        for place in sorted(places):
            found.setdefault(place[1] % 2, []).append(place)
        return found

    async def ask(self, broker: int, request: Any, *, coordinates: bool) -> Any:
        name = NAMES[request.API_KEY]
        fields = request.prepare({request.API_KEY: (0, 8)}).to_object()
        self.asked.append((name, fields))
        if name in self.answers:
            await self.answers[name].wait()
        error = self.errors[name].pop(0) if self.errors.get(name) else 0
        return self._answer(name, fields, error)

    def _answer(self, name: str, fields: dict[str, Any], error: int) -> Any:
        if name == "produce":
            return SimpleNamespace(
                topics=[
                    (topic["topic"], [self._written(topic["topic"], p, error) for p in topic["partitions"]])
                    for topic in fields["topics"]
                ]
            )
        if name == "add partitions":
            return SimpleNamespace(
                errors=[(t["topic"], [(p, error) for p in t["partitions"]]) for t in fields["topics"]]
            )
        if name == "move positions":
            topics = [
                (t["topic"], [(p["partition"], error, {}) for p in t["partitions"]], {}) for t in fields["topics"]
            ]
            return SimpleNamespace(topics=topics)
        return SimpleNamespace(error_code=error, producer_id=7, producer_epoch=3)

    def _written(self, topic: str, partition: dict[str, Any], error: int) -> tuple[int, int, int, int]:
        place = topic, partition["partition"]
        offset = self.ends.get(place, 100)
        if not error:
            last_offset_delta = int.from_bytes(partition["messages"][23:27], "big")
            self.ends[place] = offset + last_offset_delta + 1
        return place[1], error, -1 if error else offset, -1

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.asked]


def new(value: bytes, partition: int = 0, topic: str = "t") -> NewRecord:
    return NewRecord(topic=topic, partition=partition, key=b"k", value=value)


@pytest.fixture
def brokers() -> FakeBrokers:
    return FakeBrokers()


@pytest.fixture
async def producer(brokers: FakeBrokers) -> TransactionalProducer:
    """It has begun."""
    producer = TransactionalProducer(brokers, SETTINGS, "id")
    await producer.begin()
    brokers.asked.clear()
    return producer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_each_commit_gets_the_offsets_of_its_records(producer: TransactionalProducer) -> None:
    first = Commit([new(b"a"), new(b"b", topic="u"), new(b"c")], {("in", 0): 5})
    second = Commit([new(b"d", 1), new(b"e")], {("in", 1): 6})
    assert await producer.transact([first, second], MEMBER) == [[100, 100, 101], [100, 102]]
    assert await producer.transact([Commit([new(b"f")], {})], MEMBER) == [[103]]


async def test_all_records_for_a_broker_travel_together(producer: TransactionalProducer, brokers: FakeBrokers) -> None:
    await producer.transact([Commit([new(b"x", number) for number in range(6)], {})], MEMBER)
    sent = [fields["topics"] for name, fields in brokers.asked if name == "produce"]
    assert [[p["partition"] for topic in topics for p in topic["partitions"]] for topics in sent] == [
        [0, 2, 4],
        [1, 3, 5],
    ]


async def test_positions_are_moved_for_the_member_in_one_request(
    producer: TransactionalProducer, brokers: FakeBrokers
) -> None:
    await producer.transact([Commit([], {("in", 0): 5, ("commands", 0): 6}), Commit([], {("in", 1): 7})], MEMBER)
    ((_, moved),) = [asked for asked in brokers.asked if asked[0] == "move positions"]
    assert (moved["group_id"], moved["generation_id"], moved["member_id"]) == ("g", 4, "me")
    found = {(t["topic"], p["partition"]): p["offset"] for t in moved["topics"] for p in t["partitions"]}
    assert found == {("in", 0): 5, ("in", 1): 7, ("commands", 0): 6}


@pytest.mark.parametrize("step", ["add partitions", "produce", "move positions"])
async def test_no_step_begins_before_the_one_before_it_is_done(
    producer: TransactionalProducer, brokers: FakeBrokers, step: str
) -> None:
    """Above all: no positions before all records are in the log, for that is what fencing rests on."""
    brokers.answers[step] = asyncio.Event()
    transacting = asyncio.create_task(producer.transact([Commit([new(b"a"), new(b"b", 1)], {("in", 0): 5})], MEMBER))
    steps = ["add partitions", "produce", "move positions", "end"]
    until_step = steps[: steps.index(step) + 1]
    await until(lambda: step in brokers.names)
    for _ in range(20):
        await asyncio.sleep(0)
    assert set(brokers.names) - {"add group"} == set(until_step)
    brokers.answers[step].set()
    await transacting
    assert brokers.names[-1] == "end"


async def test_records_without_positions_ask_no_group(producer: TransactionalProducer, brokers: FakeBrokers) -> None:
    await producer.transact([Commit([new(b"a")], {})], MEMBER)
    assert brokers.names == ["add partitions", "produce", "end"]


async def test_positions_alone_are_a_transaction_too(producer: TransactionalProducer, brokers: FakeBrokers) -> None:
    assert await producer.transact([Commit([], {("in", 0): 5})], MEMBER) == [[]]
    assert brokers.names == ["add group", "move positions", "end"]


async def test_more_than_a_batch_goes_in_several_requests_one_after_the_other(producer: TransactionalProducer) -> None:
    large = [new(b"x" * (BATCH_BYTES // 2)) for _ in range(3)]
    assert await producer.transact([Commit([*large, new(b"y")], {})], MEMBER) == [[100, 101, 102, 103]]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("add partitions", KafkaError.CONCURRENT_TRANSACTIONS),
        ("add group", KafkaError.NOT_COORDINATOR),
        ("produce", KafkaError.NOT_LEADER_FOR_PARTITION),
        ("move positions", KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
        ("end", KafkaError.COORDINATOR_NOT_AVAILABLE),
    ],
)
async def test_what_passes_is_asked_again(
    producer: TransactionalProducer, brokers: FakeBrokers, step: str, error: int
) -> None:
    brokers.errors = {step: [error, error]}
    assert await producer.transact([Commit([new(b"a")], {("in", 0): 5})], MEMBER) == [[100]]
    assert brokers.names.count(step) == 3


async def test_a_batch_that_was_not_taken_is_sent_again_as_it_was_and_the_others_are_not(
    producer: TransactionalProducer, brokers: FakeBrokers
) -> None:
    brokers.errors = {"produce": [KafkaError.NOT_LEADER_FOR_PARTITION]}  # the first of two requests
    await producer.transact([Commit([new(b"a", 0), new(b"b", 1)], {})], MEMBER)
    first, second, again = [fields["topics"] for name, fields in brokers.asked if name == "produce"]
    assert again == first
    assert again != second


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("add partitions", KafkaError.INVALID_PRODUCER_EPOCH),
        ("produce", KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER),
        ("move positions", KafkaError.UNKNOWN_MEMBER_ID),
        ("move positions", KafkaError.ILLEGAL_GENERATION),
        ("end", KafkaError.PRODUCER_FENCED),
    ],
)
async def test_what_does_not_pass_ends_it_there(
    producer: TransactionalProducer, brokers: FakeBrokers, step: str, error: int
) -> None:
    brokers.errors = {step: [error]}
    with pytest.raises(KafkaException) as raised:
        await producer.transact([Commit([new(b"a")], {("in", 0): 5})], MEMBER)
    assert raised.value.args[0].code() == error
    assert brokers.names.count(step) == 1
    assert step == "end" or "end" not in brokers.names


async def test_what_was_asked_beside_it_is_left_too(producer: TransactionalProducer, brokers: FakeBrokers) -> None:
    brokers.errors = {"add partitions": [KafkaError.INVALID_PRODUCER_EPOCH]}
    brokers.answers["add group"] = asyncio.Event()
    with pytest.raises(KafkaException):
        await producer.transact([Commit([new(b"a")], {("in", 0): 5})], MEMBER)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_broker_that_does_not_answer_is_not_waited_for_beyond_the_transaction_s_time(
    brokers: FakeBrokers,
) -> None:
    producer = TransactionalProducer(brokers, KafkaSettings(bootstrap="nowhere", transaction_timeout_ms=10), "id")
    await producer.begin()
    brokers.answers["produce"] = asyncio.Event()
    with pytest.raises(KafkaException) as raised:
        await producer.transact([Commit([new(b"a")], {})], MEMBER)
    assert raised.value.args[0].code() == KafkaError._TIMED_OUT
