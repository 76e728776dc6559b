"""The readers of partitions that are being read forward; one that rests is closed after a while."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from schemas.event_log import Chunk
from streams.kafka.admin import Place
from streams.kafka.reader import PartitionReader
from streams.kafka.settings import KafkaSettings

_REST_S: Final = 5.0
_MAX_THREADS: Final = 8


class _Lease:
    """A reader and whose turn it is."""

    def __init__(self, reader: PartitionReader) -> None:
        self.reader = reader
        self.turn = asyncio.Lock()
        self.used_at = time.monotonic()


class Readers:
    """One reader for each partition that was read lately; it goes on where it stood, as long as it is asked to."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._leases: dict[Place, _Lease] = {}
        self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="headrace-kafka-read")
        self._sweep: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Future[None]] = set()

    async def read(self, place: Place, offset: int, limit: int, end: int) -> Chunk:
        """Records from `offset` on; at least one, unless there is none before `end`."""
        lease = self._leases.get(place)
        if lease is None:
            lease = self._leases[place] = _Lease(PartitionReader(self._settings, place))
            self._sweep_later()
        loop = asyncio.get_running_loop()
        async with lease.turn:
            try:
                return await asyncio.shield(loop.run_in_executor(self._threads, lease.reader.read, offset, limit, end))
            finally:
                lease.used_at = time.monotonic()

    async def close(self) -> None:
        """Close them all."""
        if self._sweep is not None:
            self._sweep.cancel()
        for lease in self._leases.values():
            self._end(lease)
        self._leases.clear()
        await asyncio.gather(*self._closing)
        self._threads.shutdown(wait=False)

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_REST_S, self._end_the_resting)

    def _end_the_resting(self) -> None:
        self._sweep = None
        now = time.monotonic()
        for place, lease in [*self._leases.items()]:
            if not lease.turn.locked() and now - lease.used_at >= _REST_S:
                self._end(self._leases.pop(place))
        if self._leases:
            self._sweep_later()

    def _end(self, lease: _Lease) -> None:
        closing = asyncio.get_running_loop().run_in_executor(self._threads, lease.reader.close)
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
