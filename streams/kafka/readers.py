"""The readers of partitions that are being read forward; one that rests is closed after a while."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from schemas.event_log import Chunk
from streams.kafka.reader import PartitionReader
from streams.kafka.records import Place
from streams.kafka.settings import KafkaSettings

_REST_S: Final = 5.0
_MAX_THREADS: Final = 8
_FEW: Final = 1_000
"""Who asks for no more than so many records, where no reader stands, glances."""
_GLANCES: Final = 4
"""Readers of one partition that glance, at most: each waits for the broker some milliseconds."""
_IN_A_ROW: Final = 3
"""Who glances on so often wants to read on after all."""


class _Lease:
    """A reader and whose turn it is."""

    def __init__(self, reader: PartitionReader) -> None:
        self.reader = reader
        self.turn = asyncio.Lock()
        self.used_at = time.monotonic()
        self.waiting = 0
        """How many have it or wait for it."""
        self.in_a_row = 0
        """Reads since it was last moved elsewhere."""
        self.abandoned = False
        """Whether somebody stopped waiting for a read that goes on."""

    @property
    def reads_on(self) -> bool:
        """Whether it is the right one for the read that goes on where it stands."""
        return not self.reader.glances or self.in_a_row < _IN_A_ROW


class Readers:
    """The readers of partitions that were read lately: one that reads on where it stood, and a few for scattered reads."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._leases: dict[Place, list[_Lease]] = {}
        self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="headrace-kafka-read")
        self._sweep: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def read(self, place: Place, offset: int, limit: int, end: int) -> Chunk:
        """Records from `offset` on; at least one, unless there is none before `end`."""
        while True:
            lease = self._lease(place, offset, limit)
            lease.waiting += 1
            try:
                async with lease.turn:
                    if not lease.abandoned:
                        return await self._read(place, lease, offset, limit, end)
            finally:
                lease.waiting -= 1
                lease.used_at = time.monotonic()

    async def _read(self, place: Place, lease: _Lease, offset: int, limit: int, end: int) -> Chunk:
        lease.in_a_row = lease.in_a_row + 1 if lease.reader.position == offset else 0
        reading = asyncio.get_running_loop().run_in_executor(self._threads, lease.reader.read, offset, limit, end)
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:  # its thread reads on: nobody else may use the reader meanwhile
            if not reading.done():
                lease.abandoned = True
                self._leases[place].remove(lease)
                self._end(lease, after=reading)
            raise

    async def close(self) -> None:
        """Close them all."""
        if self._sweep is not None:
            self._sweep.cancel()
        for lease in [lease for leases in self._leases.values() for lease in leases]:
            self._end(lease)
        self._leases.clear()
        await asyncio.gather(*self._closing)
        self._threads.shutdown(wait=False)

    def _lease(self, place: Place, offset: int, limit: int) -> _Lease:
        """Whose reader stands at the offset; else one of the right kind: free, or new, or soon free."""
        leases = self._leases.setdefault(place, [])
        standing = next((lease for lease in leases if lease.reader.position == offset), None)
        if standing is not None and standing.reads_on:
            return standing
        glances = standing is None and limit <= _FEW
        fitting = [lease for lease in leases if lease.reader.glances is glances]
        free = [lease for lease in fitting if not lease.waiting]
        if free:
            return min(free, key=lambda lease: lease.used_at)
        if len(fitting) < (_GLANCES if glances else 1):
            leases.append(_Lease(PartitionReader(self._settings, place, glances=glances)))
            self._sweep_later()
            return leases[-1]
        return min(fitting, key=lambda lease: lease.waiting)

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_REST_S, self._end_the_resting)

    def _end_the_resting(self) -> None:
        self._sweep = None
        now = time.monotonic()
        for place, leases in [*self._leases.items()]:
            for lease in [one for one in leases if not one.waiting and now - one.used_at >= _REST_S]:
                leases.remove(lease)
                self._end(lease)
            if not leases:
                del self._leases[place]
        if self._leases:
            self._sweep_later()

    def _end(self, lease: _Lease, *, after: "asyncio.Future[Chunk] | None" = None) -> None:
        closing = asyncio.get_running_loop().create_task(self._close(lease, after))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close(self, lease: _Lease, after: "asyncio.Future[Chunk] | None") -> None:
        if after is not None:
            await asyncio.wait([after])
        await asyncio.get_running_loop().run_in_executor(self._threads, lease.reader.close)
