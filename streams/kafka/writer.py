"""The one writer of a partition: each commit is part of a Kafka transaction, which the partitions of a process share."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, Self

from confluent_kafka import KafkaError, KafkaException

from domain.errors import HeadraceError
from schemas.event_log import NewRecord
from schemas.event_log_errors import Fenced, TransactionFailed
from streams.kafka.admin import KafkaAdmin
from streams.kafka.brokers import Brokers
from streams.kafka.explained import explained
from streams.kafka.group import Membership, membership_of
from streams.kafka.records import Place, check_records
from streams.kafka.settings import KafkaSettings
from streams.kafka.shared_transactions import SharedTransactions
from streams.kafka.transactional_producer import Commit, TransactionalProducer

_FENCED: Final = (
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_TXN_STATE,
    KafkaError.TRANSACTION_COORDINATOR_FENCED,
)


class KafkaPartitionWriter:
    """The port `PartitionWriter` on Kafka.

    Commits run one after the other. Those of a member of the consumer group share transactions with the other partitions
    of its group and process; the brokers know an expelled member by its positions, so a commit without any goes alone.
    After the first failure the writer is spent: nothing is tried again here, the process must start again from the log.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        admin: KafkaAdmin,
        group: str,
        partition: int,
        *,
        brokers: Brokers,
        shared: SharedTransactions,
        on_commit: Callable[[Mapping[Place, int]], None],
        check_open: Callable[[], None],
    ) -> None:
        """Make one; `KafkaEventLog.open_writer` does it, and opens it.

        Args:
            settings: of the cluster.
            admin: knows the topics.
            group: whose input positions are moved.
            partition: the one that is owned.
            brokers: who take the transactions.
            shared: the transactions of this process.
            on_commit: told behind which offsets the committed records end.
            check_open: raises when the log was closed.
        """
        self._settings, self._admin = settings, admin
        self._group, self._partition, self._shared = group, partition, shared
        self._on_commit, self._check_open = on_commit, check_open
        self._member = Membership(group)
        self._joined = False
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Future[Sequence[int]]] = set()
        self._spent: Exception | None = None
        self._producer = TransactionalProducer(brokers, settings, settings.transactional_id(group, partition))

    async def open(self) -> Self:
        """Fence every older writer; what it has in flight is committed or aborted when this returns.

        Raises:
            TransactionFailed: the cluster did not let the writer begin.
        """
        try:
            await self._producer.begin()
        except KafkaException as error:
            raise self._failed(error.args[0], "open the writer") from error
        return self

    def join(self, metadata: bytes) -> None:
        """Say who moves the input positions from now on: what `group_metadata` makes of a generation and a member.

        The brokers then refuse a commit of a member that the group has lost.
        """
        self._member, self._joined = membership_of(metadata), True

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
        commit = Commit(records, {(topic, self._partition): position for topic, position in positions.items()})
        async with self._turn:  # in the order in which they were asked for
            await self._admin.check_places({(record.topic, record.partition) for record in records})
            self._check()
            shares: Hashable = (self._group, self._member) if self._joined and positions else None
            written = self._shared.commit(self, commit, self._member, shares)
            self._under_way.add(written)
            written.add_done_callback(self._under_way.discard)
        offsets = await written
        self._on_commit(_ends(records, offsets))
        return offsets

    async def carry(self, commits: Sequence[Commit], member: Membership) -> list[list[int]]:
        """Commit for several partitions in one transaction."""
        if self._spent is not None:  # one that waited when another one failed
            raise self._spent
        try:
            return await self._producer.transact(commits, member)
        except KafkaException as error:
            failed = self._failed(error.args[0], "commit a transaction")
            self.spend(failed)
            if not isinstance(failed, Fenced):
                await self._producer.give_back()
            raise failed from error

    def spend(self, error: Exception) -> None:
        """A transaction failed that had a commit of this writer in it."""
        if self._spent is None:
            self._spent = error

    async def close(self) -> None:
        """Give the partition up: what was handed over is finished, later commits of this writer are fenced."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self.spend(Fenced(f"{self._name} was closed: its partition may have another owner"))

    @property
    def _name(self) -> str:
        return f"the writer of partition {self._partition} of group {self._group}"

    def _check(self) -> None:
        self._check_open()
        if self._spent is not None:
            raise self._spent

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
