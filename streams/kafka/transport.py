"""A Faust transport on Kafka: each message that an agent gets is a batch of one partition.

Of Faust's driver only the group is left: joining, assignment, and the order of a rebalance. What is read is handed
over a fetched batch at a time, where reading goes on is what the engine's journals say, and nothing is committed:
positions belong to the engine's own transactions.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import uvloop
from faust.transport.base import Producer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service

from streams.batch import Batch
from streams.delivery import Delivery
from streams.faust_logger import FAUST_LOGGER
from streams.kafka.consumer_thread import KafkaConsumerThread
from streams.kafka.errors import refused
from streams.kafka.group_member import GroupMember
from streams.kafka.lane import Handle, Lane
from streams.kafka.settings import KafkaSettings
from streams.ownership import Ownership

_FETCH_S: Final = 0.25
"""So long a fetch waits; what moves on without records (markers, aborted records) is seen when it returns."""
_FETCH_BESIDE_FULL_LANES_S: Final = 0.02
"""While partitions are paused, a fetch is short, so that they are resumed soon."""
_LOOK_AT_GROUP_S: Final = 0.5


class KafkaConsumer(driver.Consumer):  # type: ignore[misc]
    """A member of the consumer group; the partitions that the engine says it owns are read."""

    logger = FAUST_LOGGER
    transport: "KafkaTransport"
    _thread: KafkaConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lanes: dict[TP, Lane] = {}
        self._paused: set[TP] = set()
        self._room = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self.transport.ownership.ask_anew = lambda: self._call(self._thread.ask_anew())

    def _new_consumer_thread(self) -> KafkaConsumerThread:
        thread = KafkaConsumerThread(self, loop=self.loop, thread_loop=uvloop.new_event_loop(), beacon=self.beacon)
        thread._close_thread_loop_on_stop = True  # noqa: SLF001 of its own accord mode closes only loops that it made
        return thread

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch_the_group(self) -> None:
        """End when the group refuses this worker: it would else wait for partitions for ever."""
        while not self.should_stop:
            await self.sleep(_LOOK_AT_GROUP_S)
            if (trouble := self._thread.trouble()) is not None:
                self.transport.fail(refused(trouble))
                return

    async def hand_over(self, batch: Batch, handle: Handle) -> None:
        """An agent got the batch: let it be handled in the lane of its partition."""
        lane = self._lanes.get(TP(batch.topic, batch.partition))
        if lane is not None and lane.is_current(batch):
            lane.put(batch, handle)

    def go_back(self, topic: str, partition: int, offset: int) -> None:
        """Deliver the partition's records again, or on, from `offset`; what waits undelivered is dropped."""
        tp = TP(topic, partition)
        if (lane := self._lanes.get(tp)) is not None:
            lane.drop()
        else:  # it has just become ours to read
            self._lanes[tp] = self._new_lane()
            self._room.set()
        self._call(self._thread.go_back(tp, offset))

    def _call(self, call: Coroutine[Any, Any, None]) -> None:
        """Have something done in the consumer's thread, and don't wait for it."""
        task = asyncio.get_running_loop().create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drop what waits: it comes again, here or elsewhere."""
        for lane in self._lanes.values():
            lane.drop()
        await super().on_partitions_revoked(revoked)
        try:
            await self.transport.ownership.on_revoked(member_id=self._thread.member_id)
        except Exception as error:  # noqa: BLE001 aiokafka would log it and go on
            self.transport.fail(error)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Tell what is ours now; Faust says it is complete when its agents know too."""
        try:
            self.transport.ownership.on_assigned(
                assigned,
                member_id=self._thread.member_id,
                metadata=self._thread.metadata(),
                standby=self.app.assignor.standby,
                awaited=self.app.assignor.awaited,
            )
        except Exception as error:  # noqa: BLE001 aiokafka would log it and go on
            self.transport.fail(error)
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """After each rebalance, before the first fetch: go to where the engine says, for its journals know."""
        start = self.transport.delivery.start_position
        found = {tp: start(tp.topic, tp.partition) for tp in self.assignment()}
        positions = {tp: position for tp, position in found.items() if position is not None}
        self._paused = set()
        self._lanes = {tp: self._new_lane() for tp in positions}
        await self._thread.go_on_at(positions)
        return positions

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until the fetcher stops. What breaks ends it, and the host hears of it."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.can_resume_flow.wait()
                await self._fetch()
        except asyncio.CancelledError:
            return  # the fetcher stops; if partitions are moving just then, Faust would take it for a crash
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except Exception as error:  # noqa: BLE001 nobody above would look at it
            self.transport.fail(error)

    async def _fetch(self) -> None:
        self._room.clear()
        active = set(self._get_active_partitions())
        full = {tp for tp in active if tp in self._lanes and self._lanes[tp].is_full}
        paused = full | (active - self._lanes.keys())  # of these nothing is ready to take what is read
        if paused != self._paused:
            await self._thread.pause(paused)
            self._paused = paused
        if paused == active:
            try:
                async with asyncio.timeout(_FETCH_S):
                    await self._room.wait()
            except TimeoutError:
                pass
            return
        fetched = await self._getmany(active, _FETCH_BESIDE_FULL_LANES_S if paused else _FETCH_S)
        for tp, (batch,) in fetched.items():
            if (lane := self._lanes.get(tp)) is not None:
                lane.expect(batch)
                await self.callback(self._to_message(tp, batch))

    def _new_lane(self) -> Lane:
        return Lane(self.transport.delivery.settings.max_waiting_bytes, self._room.set)

    def _to_message(self, tp: TP, record: Batch) -> ConsumerMessage:
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=record.next - 1,
            timestamp=record.records[-1].timestamp_ms / 1000 if record.records else 0.0,
            timestamp_type=1,
            headers=[],
            key=None,
            value=record,
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:  # noqa: ARG002 Faust's signature
        return True  # the engine commits positions, in the transactions that they belong to

    async def on_stop(self) -> None:
        """Cancel the handlers that are at work."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
        await super().on_stop()


class KafkaTransport(driver.Transport):  # type: ignore[misc]
    """Ties the consumer to the cluster. Nothing is produced through Faust: outputs belong to the engine's transactions."""

    Consumer = KafkaConsumer
    Producer = Producer
    driver_version = "headrace-kafka"

    def __init__(
        self,
        app: Any,
        settings: KafkaSettings,
        member: GroupMember,
        delivery: Delivery,
        ownership: Ownership,
        fail: Callable[[BaseException], None],
    ) -> None:
        super().__init__([], app)
        self.settings, self.member = settings, member
        self.delivery, self.ownership, self.fail = delivery, ownership, fail
