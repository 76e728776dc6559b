"""The one writer of a partition: each commit is a Kafka transaction of its own transactional producer."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Self

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from domain.errors import HeadraceError
from schemas.event_log import NewRecord
from schemas.event_log_errors import Fenced, TransactionFailed
from streams.kafka.admin import KafkaAdmin, Place, explained
from streams.kafka.group import group_metadata
from streams.kafka.records import check_records
from streams.kafka.settings import KafkaSettings
from streams.kafka.work_thread import WorkThread

_FENCED: Final = (
    KafkaError._FENCED,  # noqa: SLF001 librdkafka's own codes begin so
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_TXN_STATE,
    KafkaError.TRANSACTION_COORDINATOR_FENCED,
)
_ABORT_S: Final = 5.0
_GRACE_S: Final = 3.0
"""Beyond the transaction's time-out: librdkafka should be the first to tell."""
_log = structlog.get_logger(__name__)


class KafkaPartitionWriter:
    """The port `PartitionWriter` on Kafka.

    Commits run one after the other in a thread of the writer's own, so those of different partitions overlap. After the
    first failure the writer is spent: nothing is tried again here, the process must start again from the log.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        admin: KafkaAdmin,
        group: str,
        partition: int,
        *,
        on_commit: Callable[[Mapping[Place, int]], None],
        check_open: Callable[[], None],
    ) -> None:
        """Make one; `KafkaEventLog.open_writer` does it, and opens it.

        Args:
            settings: of the cluster.
            admin: knows the topics.
            group: whose input positions are moved.
            partition: the one that is owned.
            on_commit: told behind which offsets the committed records end.
            check_open: raises when the log was closed.
        """
        self._settings, self._admin = settings, admin
        self._group, self._partition = group, partition
        self._on_commit, self._check_open = on_commit, check_open
        self._metadata = group_metadata(group)
        self._turn = asyncio.Lock()
        self._delivered: defaultdict[Place, list[int]] = defaultdict(list)
        self._undelivered: Any = None
        self._spent: HeadraceError | None = None
        self._stuck = False
        self._thread = WorkThread(f"headrace-kafka-write-{partition}")
        self._producer: Any = None

    async def open(self) -> Self:
        """Fence every older writer; what it has in flight is committed or aborted when this returns.

        Raises:
            TransactionFailed: the cluster did not let the writer begin.
        """
        try:
            await asyncio.wrap_future(self._thread.submit(self._begin_first))
        except KafkaException as error:
            self._thread.end(0)
            raise self._failed(error.args[0], "open the writer") from error
        return self

    def join(self, metadata: bytes) -> None:
        """Say who moves the input positions from now on: what `group_metadata` makes of a generation and a member.

        The brokers then refuse a commit of a member that the group has lost.
        """
        self._metadata = metadata

    async def commit(self, records: Sequence[NewRecord], positions: Mapping[str, int]) -> Sequence[int]:
        """Append `records` and move the input positions (topic -> next offset) of this partition, or do neither.

        Returns the offset of each record, in order, once all of it is durable.

        Raises:
            Fenced: another writer was opened for this partition, or this one was closed; nothing was written.
            TransactionFailed: the outcome is open, or the group has lost this member: leave the process.
            UnknownTopic, UnknownPartition, RecordTooLarge: nothing was written, and the writer goes on.
        """
        self._check()
        check_records(records)
        if not records and not positions:
            return []
        async with self._turn:  # in the order in which they were asked for
            await self._admin.check_places({(record.topic, record.partition) for record in records})
            self._check()
            work = self._thread.submit(partial(self._commit, records, dict(positions), self._metadata))
        offsets = await self._in_time(asyncio.wrap_future(work))
        self._on_commit(_ends(records, offsets))
        return offsets

    async def close(self) -> None:
        """Give the partition up: what was handed over is finished, later commits of this writer are fenced."""
        if self._spent is None:
            self._spent = Fenced(f"{self._name} was closed: its partition may have another owner")
        await asyncio.get_running_loop().run_in_executor(None, self._let_go)

    @property
    def _name(self) -> str:
        return f"the writer of partition {self._partition} of group {self._group}"

    def _check(self) -> None:
        self._check_open()
        if self._spent is not None:
            raise self._spent

    async def _in_time(self, work: "asyncio.Future[list[int]]") -> list[int]:
        """Wait for a commit, but not for ever.

        librdkafka 2.16 keeps to its own time-outs except in one case: when the coordinator fails while offsets are added
        to a transaction and the retry succeeds, it never sends the offsets, and `send_offsets_to_transaction` hangs.
        """
        done, _ = await asyncio.wait([work], timeout=self._settings.transaction_timeout_ms / 1000 + _GRACE_S)
        if done:
            return work.result()
        if self._spent is None:
            self._stuck = True
            self._spent = TransactionFailed(
                f"{self._name} got no answer to a commit within the transaction's time-out; leave the process and start "
                "again from the log"
            )
        raise self._spent

    # ------------------------------------------------------------ in the thread

    def _begin_first(self) -> None:
        self._producer = Producer(
            {
                **self._settings.producer(),
                "transactional.id": self._settings.transactional_id(self._group, self._partition),
                "transaction.timeout.ms": self._settings.transaction_timeout_ms,
                "delivery.timeout.ms": self._settings.transaction_timeout_ms,
                "linger.ms": 0,  # a commit flushes anyway
                # librdkafka asks for its producer id before it is connected, and then again after half a second: every
                # second opening took 0.51 s. Connected to all brokers from the start, it takes 0.004 s.
                "enable.sparse.connections": False,
            }
        )
        self._producer.init_transactions(self._settings.request_timeout_ms / 1000)

    def _commit(self, records: Sequence[NewRecord], positions: dict[str, int], metadata: bytes) -> list[int]:
        if self._spent is not None:  # one that was handed over before it failed
            raise self._spent
        try:
            return self._transact(records, positions, metadata)
        except KafkaException as error:
            self._spent = self._failed(error.args[0], "commit a transaction")
            self._give_back(error.args[0])
            raise self._spent from error

    def _transact(self, records: Sequence[NewRecord], positions: dict[str, int], metadata: bytes) -> list[int]:
        producer, timeout_s = self._producer, self._settings.transaction_timeout_ms / 1000
        self._delivered.clear()
        producer.begin_transaction()
        for record in records:
            self._produce(record)
        if positions:
            moved = [TopicPartition(topic, self._partition, position) for topic, position in positions.items()]
            producer.send_offsets_to_transaction(moved, metadata, timeout_s)
        producer.commit_transaction(timeout_s)
        if self._undelivered is not None:
            raise KafkaException(self._undelivered)
        following = {place: iter(offsets) for place, offsets in self._delivered.items()}
        return [next(following[record.topic, record.partition]) for record in records]

    def _produce(self, record: NewRecord) -> None:
        headers = list(record.headers) or None
        while True:
            try:
                self._producer.produce(
                    record.topic, record.value, record.key, record.partition, self._report, headers=headers
                )
            except BufferError:  # the queue to the brokers is full
                self._producer.poll(0.1)
            else:
                return

    def _report(self, error: Any, message: Any) -> None:
        """A record's delivery; those of one partition are reported in its order."""
        if error is not None:
            self._undelivered = error
        else:
            self._delivered[message.topic(), message.partition()].append(message.offset())

    def _give_back(self, error: Any) -> None:
        """Abort at once, so that readers don't wait for the time-out; a fenced or fatal producer can't."""
        if not error.txn_requires_abort():
            return
        try:
            self._producer.abort_transaction(_ABORT_S)
        except KafkaException as failed:
            _log.warning("kafka.abort_failed", partition=self._partition, error=failed.args[0].name())

    def _let_go(self) -> None:
        self._thread.end(0 if self._stuck else self._settings.request_timeout_ms / 1000)
        self._producer = None  # librdkafka's threads end with it

    def _failed(self, error: Any, what: str) -> HeadraceError:
        if error.code() in _FENCED:
            return Fenced(
                f"partition {self._partition} of group {self._group} has a newer writer ({error.name()}): stop this one"
            )
        cause = explained(error, f"{self._name} could not {what}", self._settings.bootstrap)
        return TransactionFailed(f"{cause}; leave the process and start again from the log")


def _ends(records: Iterable[NewRecord], offsets: Iterable[int]) -> dict[Place, int]:
    """The offset behind the last record of each partition."""
    return {(record.topic, record.partition): offset + 1 for record, offset in zip(records, offsets, strict=True)}
