"""Group commit: requests that come while SQLite writes share the next transaction, and with it one fsync."""

import asyncio
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from domain.clock import Clock
from schemas.event_log import NewRecord
from schemas.event_log_errors import Fenced, LogClosed, LogWriteFailed
from streams.embedded import schema
from streams.embedded.chunk import EncodedChunk, encode_chunks, with_offsets
from streams.embedded.partition import LogPartition

_MAX_GROUP_BYTES: Final = 8 * 1024 * 1024


class Claim:
    """The right to write a partition's outputs; it is lost, for good, when somebody else claims the partition."""

    def __init__(self, group: str, partition: int) -> None:
        self.group, self.partition = group, partition
        self.lost = False


class Request:
    """One caller's records and input positions: all of it is committed, or nothing."""

    def __init__(
        self,
        records: Sequence[tuple[LogPartition, NewRecord]],
        *,
        claim: Claim | None = None,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        by_partition: dict[LogPartition, list[NewRecord]] = {}
        for partition, record in records:
            by_partition.setdefault(partition, []).append(record)
        self.parts = {partition: encode_chunks(part) for partition, part in by_partition.items()}
        self.size = sum(len(chunk.data) for chunks in self.parts.values() for chunk in chunks)
        self.order = [partition for partition, _ in records]
        self.claim = claim
        self.positions = dict(positions or {})
        self.done: asyncio.Future[Sequence[int]] = asyncio.get_running_loop().create_future()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.parts and not self.positions

    def offsets(self, firsts: Mapping[LogPartition, int]) -> Sequence[int]:
        """The offset of each record, in the order in which they were given."""
        if len(firsts) == 1:
            ((_, first),) = firsts.items()
            return range(first, first + len(self.order))
        following = dict(firsts)
        offsets = []
        for partition in self.order:
            offsets.append(following[partition])
            following[partition] += 1
        return offsets


class _Plan:
    """What a transaction will write: where each request's records go, given that those before it succeed."""

    def __init__(self, requests: Sequence[Request], now_ms: int) -> None:
        self.rows: list[schema.ChunkRow] = []
        self.positions: list[schema.PositionRow] = []
        self.firsts: list[Mapping[LogPartition, int]] = []
        self._now_ms = now_ms
        self._ends: dict[LogPartition, int] = {}
        for request in requests:
            self.firsts.append(
                {partition: self._place(partition, chunks) for partition, chunks in request.parts.items()}
            )
            if request.claim is not None:
                group, partition = request.claim.group, request.claim.partition
                self.positions += [(group, topic, partition, offset) for topic, offset in request.positions.items()]

    def timestamp_ms(self, partition: LogPartition) -> int:
        """The clock, but never before the partition's last record."""
        return max(self._now_ms, partition.last_timestamp_ms)

    def _place(self, partition: LogPartition, chunks: Sequence[EncodedChunk]) -> int:
        first = offset = self._ends.get(partition, partition.end)
        timestamp_ms = self.timestamp_ms(partition)
        for chunk in chunks:
            position = schema.position_of(partition.number, offset)
            self.rows.append((position, len(chunk.records), timestamp_ms, chunk.data))
            offset += len(chunk.records)
        self._ends[partition] = offset
        return first


class GroupCommit:
    """Writes requests in the order in which they came, as many at a time as wait.

    All that it knows is kept by the event loop; the thread only runs one transaction after the other.
    """

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor, *, path: Path, clock: Clock) -> None:
        self.input_positions = dict(schema.input_positions(connection))
        self._connection, self._thread = connection, thread
        self._path, self._clock = path, clock
        self._waiting: list[Request] = []
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, request: Request) -> Sequence[int]:
        """The offsets of the request's records, once it is durable.

        A caller that is cancelled meanwhile does not know whether its request was committed.

        Raises:
            Fenced: the request's claim was lost; nothing was written.
            LogWriteFailed: nothing was written.
        """
        if self._closed:
            raise LogClosed
        self._waiting.append(request)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())
        return await request.done

    async def settle(self) -> None:
        """Until all that was submitted so far is durable or has failed."""
        await self.submit(Request([]))

    async def close(self) -> None:
        """Take no more requests, and finish those that wait."""
        self._closed = True
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        group: list[Request] = []
        try:
            while self._waiting:
                group = self._next_group()
                await self._commit(group)
        except BaseException:  # the loop is being shut down: nobody may wait for ever
            for request in (*group, *self._waiting):
                request.done.cancel()
            self._waiting.clear()
            raise
        finally:
            self._writing = None

    def _next_group(self) -> list[Request]:
        """Those who wait, in order, but not so many that the first would wait long for the last."""
        size = count = 0
        for request in self._waiting:
            size += request.size
            if count and size > _MAX_GROUP_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _commit(self, requests: Sequence[Request]) -> None:
        requests = [request for request in requests if _may_go_on(request)]
        if not requests:
            return
        try:
            plan = _Plan(requests, self._clock())
            if plan.rows or plan.positions:
                await asyncio.get_running_loop().run_in_executor(self._thread, _write, self._connection, plan)
        except Exception as error:  # noqa: BLE001 whatever it is, its callers must hear of it
            await self._failed(requests, error)
            return
        for request, firsts in zip(requests, plan.firsts, strict=True):
            self._publish(request, firsts, plan)

    async def _failed(self, requests: Sequence[Request], error: Exception) -> None:
        if len(requests) > 1:  # one of them may be at fault: each again on its own, so that the others don't suffer
            for request in requests:
                await self._commit([request])
            return
        (request,) = requests
        failure = LogWriteFailed(self._explain(request, error))
        failure.__cause__ = error
        if not request.done.done():
            request.done.set_exception(failure)

    def _publish(self, request: Request, firsts: Mapping[LogPartition, int], plan: _Plan) -> None:
        for partition, chunks in request.parts.items():
            timestamp_ms = plan.timestamp_ms(partition)
            for chunk in chunks:
                records = with_offsets(chunk.records, first=partition.end, timestamp_ms=timestamp_ms)
                partition.publish(records, len(chunk.data))
        if request.claim is not None:
            for topic, offset in request.positions.items():
                self.input_positions[request.claim.group, topic, request.claim.partition] = offset
        if not request.done.done():
            request.done.set_result(request.offsets(firsts))

    def _explain(self, request: Request, error: Exception) -> str:
        what = f"{len(request.order)} records ({request.size} bytes)"
        free = shutil.disk_usage(self._path.parent).free
        return (
            f"could not write {what} to {self._path}: {error}; nothing of it was written. {free} bytes are free on that "
            "disk: see that there is room and that it can be written to, then start again"
        )


def _may_go_on(request: Request) -> bool:
    if request.done.cancelled():
        return False
    if request.claim is not None and request.claim.lost:
        message = (
            f"partition {request.claim.partition} of group {request.claim.group} has a newer writer: stop this one"
        )
        request.done.set_exception(Fenced(message))
        return False
    return True


def _write(connection: sqlite3.Connection, plan: _Plan) -> None:
    with schema.transaction(connection):
        connection.executemany(schema.INSERT_CHUNK, plan.rows)
        if plan.positions:
            connection.executemany(schema.MOVE_INPUT_POSITION, plan.positions)
