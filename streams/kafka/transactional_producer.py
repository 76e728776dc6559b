"""A transactional producer that writes for several partitions at once, and moves their input positions with it.

A transaction is four steps, one after the other: partitions and group are added to it, all records go to their leaders (one
request a broker), the positions go to the group, and it is ended. See docs/adr/0019-shared-transactions.md.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, Final, TypeVar

import msgspec
import structlog
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
)
from confluent_kafka import KafkaError, KafkaException

from schemas.event_log import NewRecord
from streams.kafka.brokers import GROUP, TRANSACTION, Brokers, check
from streams.kafka.group import Membership
from streams.kafka.record_batches import BatchEncoder, ProducerId, RecordBatch
from streams.kafka.records import Place
from streams.kafka.settings import KafkaSettings
from streams.kafka.txn_offset_commit import TxnOffsetCommitRequest

_ABORT_S: Final = 5.0
_ALL_REPLICAS: Final = -1
_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class Commit(msgspec.Struct, frozen=True):
    """What one partition's owner writes at once, and where its inputs go on (topic and partition -> next offset)."""

    records: Sequence[NewRecord]
    positions: Mapping[Place, int]


class TransactionalProducer:
    """One call at a time. All raise `KafkaException`, and after the first it is spent."""

    def __init__(self, brokers: Brokers, settings: KafkaSettings, transactional_id: str) -> None:
        """Make one; it speaks to nobody before `begin`."""
        self._brokers, self._settings = brokers, settings
        self.transactional_id = transactional_id
        self._producer: ProducerId
        self._encoder: BatchEncoder

    async def begin(self) -> None:
        """Fence every older producer of this id; what it has in flight is committed or aborted when this returns."""
        request = InitProducerIdRequest(self.transactional_id, self._settings.transaction_timeout_ms)
        async with _within(self._settings.request_timeout_ms / 1000):
            answer = await self._coordinated(request)
        self._producer = ProducerId(answer.producer_id, answer.producer_epoch)
        self._encoder = BatchEncoder(self._producer, self._settings.compression)

    async def transact(self, commits: Sequence[Commit], member: Membership) -> list[list[int]]:
        """Write all of them in one transaction; gives the offsets of each one's records.

        All records stand in the log before the group is asked whether it still knows the member: so who is assigned a
        partition later finds there all that this transaction can ever commit.
        """
        records = list(chain.from_iterable(commit.records for commit in commits))
        positions = {place: position for commit in commits for place, position in commit.positions.items()}
        async with _within(self._settings.transaction_timeout_ms / 1000):
            added = []
            if records:
                added.append(self._add_partitions({(record.topic, record.partition) for record in records}))
            if positions:
                added.append(self._coordinated(AddOffsetsToTxnRequest(*self._who, member.group)))
            await _together(*added)
            offsets = await self._write(records)
            if positions:
                await self._move(positions, member)
            await self._end(commit=True)
        return [[next(offsets[record.topic, record.partition]) for record in commit.records] for commit in commits]

    async def give_back(self) -> None:
        """Abort what could not be committed, so that readers don't wait for the time-out."""
        try:
            async with _within(_ABORT_S):
                await self._end(commit=False)
        except KafkaException as error:
            _log.warning("kafka.abort_failed", producer=self.transactional_id, error=error.args[0].name())

    async def _add_partitions(self, places: Iterable[Place]) -> None:
        await self._coordinated(AddPartitionsToTxnRequest(*self._who, _by_topic(places)))

    async def _write(self, records: Sequence[NewRecord]) -> dict[Place, Any]:
        """The offsets that the records of each partition got, in order."""
        found: defaultdict[Place, list[range]] = defaultdict(list)
        for batches in self._encoder.rounds(records, time.time_ns() // 1_000_000):
            for place, first in (await self._produce(batches)).items():
                found[place].append(range(first, first + batches[place].count))
        return {place: chain.from_iterable(ranges) for place, ranges in found.items()}

    async def _produce(self, batches: Mapping[Place, RecordBatch]) -> dict[Place, int]:
        """The first offset of each batch. One that is sent again is known by its number, and not written again."""
        first: dict[Place, int] = {}

        async def attempt() -> None:
            leaders = await self._brokers.leaders(batches.keys() - first.keys())
            errors = await _together(
                *(
                    self._send(broker, {place: batches[place] for place in places}, first)
                    for broker, places in leaders.items()
                )
            )
            check(chain.from_iterable(errors))

        await self._brokers.patiently(attempt)
        return first

    async def _send(self, broker: int, batches: Mapping[Place, RecordBatch], first: dict[Place, int]) -> list[int]:
        """Keeps the first offset of each batch that is written; gives the errors."""
        topics = _by_topic((topic, (number, batch.content)) for (topic, number), batch in batches.items())
        timeout_ms = self._settings.transaction_timeout_ms
        request = ProduceRequest(self.transactional_id, _ALL_REPLICAS, timeout_ms, topics)
        answer = await self._brokers.ask(broker, request, coordinates=False)
        written = [
            ((topic, number), error, offset)
            for topic, numbers in answer.topics
            for number, error, offset, *_ in numbers
        ]
        first.update((place, offset) for place, error, offset in written if error == KafkaError.NO_ERROR)
        return [error for _, error, _ in written]

    async def _move(self, positions: Mapping[Place, int], member: Membership) -> None:
        topics = _by_topic((topic, (number, position)) for (topic, number), position in positions.items())
        moved = TxnOffsetCommitRequest(*self._who, member, topics)

        async def attempt() -> None:
            broker = await self._brokers.coordinator(GROUP, member.group)
            answer = await self._brokers.ask(broker, moved, coordinates=True)
            check(error for _, partitions, _ in answer.topics for _, error, _ in partitions)

        await self._brokers.patiently(attempt)

    async def _end(self, *, commit: bool) -> None:
        await self._coordinated(EndTxnRequest(*self._who, commit))

    async def _coordinated(self, request: Any) -> Any:
        async def attempt() -> Any:
            broker = await self._brokers.coordinator(TRANSACTION, self.transactional_id)
            answer = await self._brokers.ask(broker, request, coordinates=True)
            check(_codes(answer))
            return answer

        return await self._brokers.patiently(attempt)

    @property
    def _who(self) -> tuple[str, int, int]:
        return self.transactional_id, self._producer.id, self._producer.epoch


async def _together(*asked: Awaitable[_T]) -> list[_T]:
    """What all of them give; when one fails, none is left running."""
    tasks = [asyncio.ensure_future(one) for one in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _codes(answer: Any) -> list[int]:
    if hasattr(answer, "error_code"):
        return [answer.error_code]
    return [error for _, partitions in answer.errors for _, error in partitions]


def _by_topic(items: Iterable[tuple[str, Any]]) -> list[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for topic, item in items:
        found.setdefault(topic, []).append(item)
    return list(found.items())


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error  # noqa: SLF001 librdkafka's own codes begin so
