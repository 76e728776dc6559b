"""Reads one partition forward, from any offset: for folds and for whoever is behind."""

import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, TopicPartition

from schemas.event_log import Chunk, Record
from streams.kafka.errors import ReadStalled
from streams.kafka.explained import explained
from streams.kafka.records import Place, record_of, size_of
from streams.kafka.settings import KafkaSettings

CHUNK_BYTES: Final = 1024 * 1024
"""A chunk ends when it has so much, that a few large records don't fill the memory."""
_AHEAD: Final = {"queued.max.messages.kbytes": 16 * 1024, "queued.min.messages": 50_000}
"""How much is fetched ahead by who reads on and on."""
_GLANCE: Final = {
    "queued.max.messages.kbytes": 256,
    "queued.min.messages": 1,
    "fetch.queue.backoff.ms": 2,
    "fetch.message.max.bytes": 64 * 1024,
}
"""How much by who looks at a few records and goes elsewhere: what is fetched beyond them is fetched in vain.

A full queue puts off the next fetch, even one that a seek wants, by a whole second unless it is told otherwise.
"""
_FETCH_WAIT_MS: Final = 10
"""What is asked for is there already; a longer wait at the end would only delay the next seek."""
_MAX_POLL_S: Final = 1.0


class PartitionReader:
    """A consumer with one partition. It blocks; one call at a time, from any thread.

    One that glances fetches little at a time.
    """

    def __init__(self, settings: KafkaSettings, place: Place, *, glances: bool = False) -> None:
        self._settings, self._place = settings, place
        self._timeout_s = settings.request_timeout_ms / 1000
        config = {
            **settings.consumer(),
            **(_GLANCE if glances else _AHEAD),
            "fetch.wait.max.ms": _FETCH_WAIT_MS,
        }
        self._consumer = Consumer(config)
        self.glances = glances
        self._position = -1
        self._ahead: deque[Record] = deque()
        self._end: int | None = None
        """Behind `_ahead` is nothing up to here: the end as it was when librdkafka told of it."""

    @property
    def position(self) -> int:
        """Where it goes on without a seek."""
        return self._position

    def read(self, offset: int, limit: int, end: int) -> Chunk:
        """Records from `offset` on; at least one, unless there is none before `end`.

        Raises:
            ReadStalled: the broker gave neither a record nor its end.
            UnknownTopic: the topic was deleted.
        """
        if offset != self._position:
            self._seek(offset)
        deadline = time.monotonic() + self._timeout_s
        while True:
            self._take(self._consumer.consume(max(0, limit - len(self._ahead)) or 1, 0))
            if self._ahead:
                return self._cut(limit)
            if self._end is not None and self._end >= end:
                self._position = self._end
                return Chunk((), self._end)
            left = deadline - time.monotonic()
            if left <= 0:
                raise ReadStalled(self._stalled(offset, end))
            message = self._consumer.poll(min(left, _MAX_POLL_S))
            if message is not None:
                self._take([message])

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def _seek(self, offset: int) -> None:
        self._consumer.assign([TopicPartition(*self._place, offset)])
        self._position, self._end = offset, None
        self._ahead.clear()

    def _take(self, messages: Iterable[Any]) -> None:
        for message in messages:
            error = message.error()
            if error is None:
                if message.offset() >= self._position:
                    self._ahead.append(record_of(message))
                    self._end = None
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 its own code
                self._end = message.offset()
            elif not passes(error):
                raise explained(error, f"could not read {'/'.join(map(str, self._place))}", self._settings.bootstrap)

    def _cut(self, limit: int) -> Chunk:
        records: list[Record] = []
        size = 0
        while self._ahead and len(records) < limit and size < CHUNK_BYTES:
            record = self._ahead.popleft()
            records.append(record)
            size += size_of(record)
        following = self._end if self._end is not None and not self._ahead else None
        self._position = records[-1].offset + 1 if following is None else following
        return Chunk(records, self._position)

    def _stalled(self, offset: int, end: int) -> str:
        topic, partition = self._place
        return (
            f"expected records of {topic}/{partition} from {offset} up to {end}, found none for {self._timeout_s:.0f} s: "
            "see that the brokers run"
        )


def passes(error: Any) -> bool:
    """Whether librdkafka goes on by itself: brokers come and go, leaders move."""
    return bool(error.retriable()) or error.code() in (
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 librdkafka's own codes begin so
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001 no group is joined
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    )
