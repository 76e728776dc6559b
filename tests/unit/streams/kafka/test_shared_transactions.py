"""What waits to be committed while a transaction is under way goes together in the next one."""

import asyncio
from collections.abc import Sequence

import pytest

from schemas.event_log import NewRecord
from schemas.event_log_errors import TransactionFailed
from streams.kafka.group import Membership
from streams.kafka.shared_transactions import MAX_BYTES, SharedTransactions
from streams.kafka.transactional_producer import Commit

MEMBER = Membership("g", 1, "me")


class Broker:
    """Takes transactions when it is told to, and gives each record its place in the order of writing."""

    def __init__(self) -> None:
        self.transactions: list[tuple[int, list[bytes]]] = []
        """Who made each, and what was in it."""
        self.answers = asyncio.Event()
        self.answers.set()
        self.failure: Exception | None = None
        self._written = 0

    async def transact(self, who: int, commits: Sequence[Commit]) -> list[list[int]]:
        self.transactions.append((who, [record.value or b"" for commit in commits for record in commit.records]))
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        return [[self._next() for _ in commit.records] for commit in commits]

    def _next(self) -> int:
        self._written += 1
        return self._written


class Writer:
    def __init__(self, broker: Broker, partition: int) -> None:
        self.broker, self.partition = broker, partition
        self.spent: Exception | None = None

    async def carry(self, commits: Sequence[Commit], member: Membership) -> list[list[int]]:
        return await self.broker.transact(self.partition, commits)

    def spend(self, error: Exception) -> None:
        self.spent = error


class Process:
    """The writers of three partitions, and what they share."""

    def __init__(self) -> None:
        self.broker, self.shared = Broker(), SharedTransactions()
        self.writers = [Writer(self.broker, number) for number in range(3)]

    def commit(
        self, partition: int, *values: bytes, member: Membership = MEMBER, alone: bool = False
    ) -> "asyncio.Future[Sequence[int]]":
        records = [NewRecord(topic="t", partition=partition, key=None, value=value) for value in values]
        shares = None if alone else member
        return self.shared.commit(self.writers[partition], Commit(records, {}), member, shares)

    async def is_committing(self, *values: bytes) -> None:
        """A transaction was begun with these values, and gets no answer yet."""
        self.broker.answers.clear()
        self.commit(0, *values)
        async with asyncio.timeout(5):
            while not self.broker.transactions:
                await asyncio.sleep(0)


@pytest.fixture
async def process() -> Process:
    return Process()


async def test_a_commit_alone_is_a_transaction_of_its_own_writer(process: Process) -> None:
    assert await process.commit(1, b"a", b"b") == [1, 2]
    assert process.broker.transactions == [(1, [b"a", b"b"])]


async def test_those_asked_for_at_the_same_time_go_together(process: Process) -> None:
    offsets = await asyncio.gather(process.commit(2, b"c"), process.commit(0, b"a"), process.commit(1, b"b"))
    assert offsets == [[1], [2], [3]]
    assert process.broker.transactions == [(2, [b"c", b"a", b"b"])]


async def test_what_comes_while_one_is_under_way_goes_in_the_next(process: Process) -> None:
    await process.is_committing(b"first")
    late = [process.commit(1, b"second"), process.commit(2, b"third"), process.commit(1, b"fourth")]
    process.broker.answers.set()
    assert await asyncio.gather(*late) == [[2], [3], [4]]
    assert process.broker.transactions == [(0, [b"first"]), (1, [b"second", b"third", b"fourth"])]


async def test_members_of_different_generations_share_nothing(process: Process) -> None:
    await process.is_committing(b"first")
    late = [process.commit(1, b"old"), process.commit(2, b"new", member=Membership("g", 2, "me"))]
    process.broker.answers.set()
    await asyncio.gather(*late)
    assert process.broker.transactions[1:] == [(1, [b"old"]), (2, [b"new"])]


async def test_one_that_goes_alone_keeps_its_place(process: Process) -> None:
    await process.is_committing(b"first")
    late = [
        process.commit(1, b"a"),
        process.commit(2, b"b", alone=True),
        process.commit(1, b"c"),
        process.commit(2, b"d"),
    ]
    process.broker.answers.set()
    await asyncio.gather(*late)
    assert process.broker.transactions[1:] == [(1, [b"a"]), (2, [b"b"]), (1, [b"c", b"d"])]


async def test_a_large_one_leaves_the_others_to_the_next(process: Process) -> None:
    await process.is_committing(b"first")
    large = b"x" * MAX_BYTES
    late = [process.commit(1, b"small"), process.commit(2, large), process.commit(0, b"after")]
    process.broker.answers.set()
    await asyncio.gather(*late)
    assert process.broker.transactions[1:] == [(1, [b"small", large]), (0, [b"after"])]


@pytest.mark.parametrize("failure", [TransactionFailed(), RuntimeError("a bug")])
async def test_a_failure_is_that_of_all_who_share_it(process: Process, failure: Exception) -> None:
    process.broker.failure = failure
    together = [process.commit(0, b"a"), process.commit(1, b"b")]
    assert await asyncio.gather(*together, return_exceptions=True) == [failure, failure]
    assert [writer.spent for writer in process.writers] == [failure, failure, None]


async def test_who_waits_no_more_holds_up_nobody(process: Process) -> None:
    await process.is_committing(b"first")
    given_up, late = process.commit(1, b"a"), process.commit(2, b"b")
    given_up.cancel()
    process.broker.answers.set()
    assert await late == [3], "the one that was given up was written all the same"
