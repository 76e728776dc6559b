"""Transactions that partitions of one process share: what comes while one is under way goes together in the next."""

import asyncio
from collections import deque
from collections.abc import Hashable, Sequence
from typing import Final, Protocol

import msgspec

from streams.kafka.group import Membership
from streams.kafka.records import size_of
from streams.kafka.transactional_producer import Commit

MAX_BYTES: Final = 2 * 1024 * 1024
"""With so much a transaction is large enough: what comes after it is decided while it is written."""


class Carrier(Protocol):
    """A partition's writer, as far as it commits for others too."""

    async def carry(self, commits: Sequence[Commit], member: Membership) -> list[list[int]]:
        """Commit all of them in one transaction of its own."""
        ...

    def spend(self, error: Exception) -> None:
        """A transaction with a commit of this writer failed."""
        ...


class Waiting(msgspec.Struct, frozen=True, eq=False):
    """A commit and whose it is."""

    writer: Carrier
    commit: Commit
    member: Membership
    shares: Hashable
    """Commits for which this is equal may go together; None: this one goes alone."""
    done: "asyncio.Future[Sequence[int]]"


class SharedTransactions:
    """One transaction after the other, each made by the writer whose commit has waited longest."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._running: asyncio.Task[None] | None = None

    def commit(
        self, writer: Carrier, commit: Commit, member: Membership, shares: Hashable
    ) -> "asyncio.Future[Sequence[int]]":
        """Commit it, soon; those of one writer are committed in order."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(writer, commit, member, shares, loop.create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return waiting.done

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0)  # whoever was just told of a commit, or got input, may have more to commit
            if not self._waiting:
                break
            await self._transact(self._take())
        self._running = None

    def _take(self) -> list[Waiting]:
        """Those that waited longest, as long as they share and are not too large."""
        taken = [self._waiting.popleft()]
        shares, size = taken[0].shares, _size(taken[0])
        while shares is not None and size < MAX_BYTES and self._waiting and self._waiting[0].shares == shares:
            taken.append(self._waiting.popleft())
            size += _size(taken[-1])
        return taken

    async def _transact(self, together: Sequence[Waiting]) -> None:
        first = together[0]
        try:
            written = await first.writer.carry([one.commit for one in together], first.member)
        except Exception as error:  # noqa: BLE001 whatever it is, who waits must hear of it
            for one in together:
                one.writer.spend(error)
                if not one.done.done():
                    one.done.set_exception(error)
        else:
            for one, offsets in zip(together, written, strict=True):
                if not one.done.done():
                    one.done.set_result(offsets)


def _size(waiting: Waiting) -> int:
    return sum(map(size_of, waiting.commit.records))
