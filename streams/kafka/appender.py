"""Appends outside any partition's transaction, through one idempotent producer."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import Producer

from schemas.event_log import NewRecord
from streams.kafka.errors import AppendUnconfirmed
from streams.kafka.settings import KafkaSettings

_POLL_S: Final = 0.5
_LINGER_MS: Final = 1
"""So long a record waits for those that are appended with it, so that they travel and stand together."""


class _Append:
    """Records of one call, until each is confirmed. `confirm` is called in the producer's polling thread."""

    def __init__(self, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[list[int]] = loop.create_future()
        self.error: Any = None
        self._loop, self._left = loop, count
        self._offsets = [-1] * count

    def confirm(self, index: int, error: Any, message: Any) -> None:
        if error is None:
            self._offsets[index] = message.offset()
        else:
            self.error = error
        self._left -= 1
        if self._left == 0:
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(self._offsets)
            return
        confirmed = sum(offset >= 0 for offset in self._offsets)
        message = (
            f"{confirmed} of {len(self._offsets)} records were confirmed, of the others {self.error.name()}: they may "
            "stand in the log or not. Send them again; readers know them by their ids"
        )
        self.done.set_exception(AppendUnconfirmed(message))


class Appender:
    """Sends records in the order in which they are given, and tells when the brokers have them durably.

    Kafka has no all-or-nothing outside transactions. What can be refused is refused before anything is sent (see
    `check_records`); after that only a failing broker can leave a part of the records unwritten, and that is told.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._producer = Producer(
            {
                **settings.producer(),
                "linger.ms": _LINGER_MS,
                # librdkafka asks for its producer id before it is connected, and then again after half a second.
                # Connected to all brokers from the start it has one after milliseconds.
                "enable.sparse.connections": False,
            }
        )
        self._closing = threading.Event()
        self._polling = threading.Thread(target=self._poll, name="headrace-kafka-append", daemon=True)
        self._polling.start()
        self._timeout_s = settings.request_timeout_ms / 1000

    async def send(self, records: Sequence[NewRecord]) -> "asyncio.Future[list[int]]":
        """Hand the records to the producer, one caller at a time. Gives what will be the offset of each, once durable.

        The future raises `AppendUnconfirmed` if the brokers do not confirm all of them in time.
        """
        append = _Append(len(records), asyncio.get_running_loop())
        for index, record in enumerate(records):
            await self._send(append, index, record)
        return append.done

    async def _send(self, append: _Append, index: int, record: NewRecord) -> None:
        def confirmed(error: Any, message: Any) -> None:
            append.confirm(index, error, message)

        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    confirmed,
                    headers=list(record.headers) or None,
                )
            except BufferError:  # the queue to the brokers is full
                await asyncio.sleep(0.005)
            else:
                return

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S)

    def close(self) -> None:
        """Wait until all that was sent is confirmed or has failed. Blocks."""
        self._producer.flush(self._timeout_s)
        self._closing.set()
        self._polling.join()
