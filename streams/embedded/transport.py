"""A Faust transport over the event log: each message that an agent gets is a batch of one partition.

Faust's own way costs two tasks a message, seeks, commits and rebalances. Here the log gives positions and the engine
commits them in its transactions, so of Faust's consumer only the assignment of partitions to agents is left.
"""

from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NoReturn

from faust.transport import base
from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage

from domain.errors import HeadraceError
from schemas.event_log import EventLog
from streams.batch import Batch
from streams.delivery import Delivery
from streams.embedded.feed import Feed
from streams.faust_logger import FAUST_LOGGER

_GENERATION: Final = 1
"""There is one assignment, of all partitions, for as long as the app runs."""


_READ: Final = "expected the feeds to read; Faust's own fetch was called"
_TOPIC: Final = "expected topic {} to be made by `EventLog.create_topic`"
_PRODUCE: Final = "expected records for topic {} to be committed by a `PartitionWriter` or appended to the log"


class NotThroughFaust(HeadraceError):
    """Something was asked of Faust that the engine does itself, on the log."""


class EmbeddedConsumer(Consumer):  # type: ignore[misc]
    """Owns all partitions of the subscribed topics, and feeds each from where the engine says."""

    logger = FAUST_LOGGER
    transport: "EmbeddedTransport"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.feeds: dict[TP, Feed] = {}

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Assign all partitions of the topics; Faust wants that to happen after it has been told 'subscribed'."""
        self.add_future(self._assign(tuple(topics)))

    async def _assign(self, topics: tuple[str, ...]) -> None:
        self.app.on_rebalance_start()
        log, settings = self.transport.log, self.transport.delivery.settings
        for topic in topics:
            for number in range(await log.partitions(topic)):
                tp = TP(topic, number)
                self.feeds[tp] = Feed(log, topic, number, settings=settings, deliver=partial(self._deliver, tp))
        self.app.consumer_generation_id = _GENERATION
        await self.on_partitions_assigned(set(self.feeds), _GENERATION)

    async def hand_over(self, batch: Batch, handle: Callable[[Feed, Batch], Awaitable[None]]) -> None:
        """An agent got the batch: each agent has one partition, and may wait for what it handles."""
        await handle(self.feeds[TP(batch.topic, batch.partition)], batch)

    def go_back(self, topic: str, partition: int, offset: int) -> None:
        """Deliver the partition's records again, or on, from `offset`; what waits undelivered is dropped."""
        self.feeds[TP(topic, partition)].seek(offset)

    def assignment(self) -> set[TP]:
        """All partitions of the subscribed topics."""
        return set(self.feeds)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Before the first fetch: go to where the engine says, for its journal knows."""
        for tp, feed in self.feeds.items():
            position = self.transport.delivery.start_position(tp.topic, tp.partition)
            assert position is not None, "an embedded log has one owner, of everything"
            feed.position = position
        return {tp: feed.position for tp, feed in self.feeds.items()}

    async def _drain_messages(self, _fetcher: Any) -> None:
        """Run the feeds until the fetcher is cancelled. What breaks one ends all, and the host hears of it."""
        try:
            async with TaskGroup() as tasks:
                for feed in self.feeds.values():
                    feed.start(tasks)
        except* Exception as failed:  # noqa: BLE001 nobody above would look at it
            self.transport.fail(failed.exceptions[0])

    async def _deliver(self, tp: TP, batch: Batch) -> None:
        await self.callback(self._to_message(tp, batch))

    def _to_message(self, tp: TP, record: Batch) -> ConsumerMessage:
        last = record.records[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp_ms / 1000,
            timestamp_type=1,  # the log's time, not the producer's
            headers=[],
            key=None,
            value=record,
            checksum=None,
            tp=tp,
            generation_id=_GENERATION,
        )

    async def _seek(self, partition: TP, offset: int) -> None:
        self.feeds[partition].seek(offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to these offsets."""
        for tp, offset in partitions.items():
            self.feeds[tp].seek(offset)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:  # noqa: ARG002 Faust's signature
        return True  # the engine commits positions, in the transactions that they belong to

    async def position(self, tp: TP) -> int:
        """The offset that is read next."""
        return self.feeds[tp].position

    def highwater(self, tp: TP) -> int:
        """The offset that is read next: Faust compares the two to tell how far it is behind."""
        return self.feeds[tp].position

    async def highwaters(self, *tps: TP) -> Mapping[TP, int]:
        """Where the partitions end."""
        return {tp: await self.transport.log.end_offset(tp.topic, tp.partition) for tp in tps}

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        """Where the partitions begin: nothing is ever taken off the log."""
        return dict.fromkeys(tps, 0)

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions of the topic are assigned; None when there are none."""
        return sum(tp.topic == topic for tp in self.feeds) or None

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> NoReturn:  # noqa: ARG002, ASYNC109
        raise NotThroughFaust(_READ)

    async def create_topic(self, topic: str, *_options: Any, **_more: Any) -> NoReturn:
        """Refuse: topics are made in the log."""
        raise NotThroughFaust(_TOPIC.format(topic))

    def key_partition(self, topic: str, *_options: Any, **_more: Any) -> NoReturn:
        """Refuse: what is produced goes to the log, with its partition."""
        raise NotThroughFaust(_PRODUCE.format(topic))


class EmbeddedTransport(base.Transport):  # type: ignore[misc]
    """Ties the consumer to the log. Nothing is produced through Faust: outputs belong to the engine's transactions."""

    Consumer = EmbeddedConsumer
    default_port = 0
    driver_version = "headrace-embedded"

    def __init__(self, app: Any, log: EventLog, delivery: Delivery, fail: Callable[[BaseException], None]) -> None:
        super().__init__([], app)
        self.log, self.delivery, self.fail = log, delivery, fail
