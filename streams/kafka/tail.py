"""Follows the ends of partitions: one consumer and one thread for all who wait for new records."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from confluent_kafka import Consumer, KafkaError, TopicPartition

from schemas.event_log import Record
from schemas.event_log_errors import LogClosed
from streams.kafka.errors import ReadStalled
from streams.kafka.explained import explained
from streams.kafka.reader import passes
from streams.kafka.records import Place, record_of
from streams.kafka.settings import KafkaSettings
from streams.kafka.window import Window

_POLL_S: Final = 0.05
"""How long a new partition may wait until the thread takes it up; records end a poll at once."""
_TAKE: Final = 1_000
_QUEUED_KIB: Final = 16 * 1024


class _Order(msgspec.Struct, frozen=True):
    """What the thread shall do with a partition; without an offset it is followed no longer."""

    place: Place
    generation: int
    offset: int | None


class _News(msgspec.Struct):
    """What came of a partition in one go."""

    generation: int
    records: list[Record]
    end: int | None = None


class Tail:
    """Keeps a window of each partition that somebody waited for. The windows belong to the event loop."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._windows: dict[Place, Window] = {}
        self._waiters: dict[asyncio.Future[None], Mapping[Place, int]] = {}
        self._generation = 0
        self._orders: deque[_Order] = deque()
        self._ordered = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def window(self, place: Place) -> Window | None:
        """The window of a partition that is followed, or was."""
        return self._windows.get(place)

    async def wait(self, positions: Mapping[Place, int], timeout_s: float) -> bool:
        """Until a record stands at or after one of the positions; False when none came in time.

        It may also return True when there is only something to step over, such as an aborted transaction.
        """
        for place, offset in positions.items():
            if self._has_news(place, offset):
                return True
        return await self._woken(positions, timeout_s)

    async def until(self, place: Place, offset: int, end: int) -> Window | None:
        """The window, once it holds a record from `offset` on or reaches `end`; None when it was stopped.

        Raises:
            ReadStalled: the broker gave neither.
        """
        deadline = time.monotonic() + self._settings.request_timeout_ms / 1000
        while True:
            window = self._windows.get(place)
            if window is None or not window.covers(offset) or window.stopped:
                return None
            if window.holds(offset) or window.next >= end:
                return window
            if not await self._woken({place: offset}, deadline - time.monotonic()):
                message = f"expected records of {place[0]}/{place[1]} from {offset} up to {end}, found none in time"
                raise ReadStalled(message)

    async def close(self) -> None:
        """Stop the thread; who waits hears that the log was closed."""
        self._closing = True
        self._ordered.set()
        self._fail(LogClosed())
        if self._thread is not None:
            await self._loop.run_in_executor(None, self._thread.join)

    def _has_news(self, place: Place, offset: int) -> bool:
        window = self._windows.get(place)
        if window is not None and window.holds(offset):
            return True
        if window is None or window.stopped:
            self._follow(place, offset)
            return False
        return offset < window.start

    async def _woken(self, positions: Mapping[Place, int], timeout_s: float) -> bool:
        if self._closing:
            raise LogClosed
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters[waiter] = positions
        try:
            async with asyncio.timeout(None if timeout_s == math.inf else timeout_s):
                await waiter
        except TimeoutError:
            return False
        finally:
            del self._waiters[waiter]
        return True

    def _follow(self, place: Place, offset: int) -> None:
        self._generation += 1
        self._windows[place] = Window(offset, self._generation)
        self._order(_Order(place, self._generation, offset))

    def _order(self, order: _Order) -> None:
        self._orders.append(order)
        self._ordered.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="headrace-kafka-tail", daemon=True)
            self._thread.start()

    def _arrived(self, news: Mapping[Place, _News]) -> None:
        for place, what in news.items():
            window = self._windows.get(place)
            if window is None or window.generation != what.generation or window.stopped:
                continue
            window.add(what.records, what.end)
            if window.is_full:
                window.stopped = True
                self._order(_Order(place, window.generation, None))
        for waiter, positions in self._waiters.items():
            if not waiter.done() and any(self._moves(place, offset, news) for place, offset in positions.items()):
                waiter.set_result(None)

    def _moves(self, place: Place, offset: int, news: Mapping[Place, _News]) -> bool:
        window = self._windows.get(place)
        # beyond the offset there may be only something to step over, such as the markers of a transaction
        return place in news and window is not None and (window.next > offset or window.stopped)

    def _fail(self, error: Exception) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    # ------------------------------------------------------------ in the thread

    def _run(self) -> None:
        consumer = Consumer({**self._settings.consumer(), "queued.max.messages.kbytes": _QUEUED_KIB})
        followed: dict[Place, int] = {}
        try:
            while not self._closing:
                if not followed:
                    self._ordered.wait()
                self._ordered.clear()
                while self._orders:
                    _obey(consumer, followed, self._orders.popleft())
                message = consumer.poll(_POLL_S) if followed else None
                if message is not None:
                    self._tell(followed, [message, *consumer.consume(_TAKE, 0)])
        except Exception as error:  # noqa: BLE001 whatever it is, who waits must hear of it
            self._on_loop(self._fail, error)
        finally:
            consumer.close()

    def _tell(self, followed: Mapping[Place, int], messages: Sequence[Any]) -> None:
        news: dict[Place, _News] = {}
        for message in messages:
            error, place = message.error(), (message.topic(), message.partition())
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 its own code
                if not passes(error):
                    raise explained(error, f"could not follow {place[0]}/{place[1]}", self._settings.bootstrap)
                continue
            what = news.get(place)
            if what is None:
                what = news[place] = _News(followed.get(place, 0), [])
            if error is None:
                what.records.append(record_of(message))
                what.end = None
            else:
                what.end = message.offset()
        if news:
            self._on_loop(self._arrived, news)

    def _on_loop(self, call: Any, *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop was closed without closing the log
            self._closing = True


def _obey(consumer: Any, followed: dict[Place, int], order: _Order) -> None:
    if order.place in followed:
        consumer.incremental_unassign([TopicPartition(*order.place)])
        del followed[order.place]
    if order.offset is not None:
        consumer.incremental_assign([TopicPartition(*order.place, order.offset)])
        followed[order.place] = order.generation
