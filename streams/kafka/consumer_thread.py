"""Faust's consumer thread on aiokafka, changed to read committed records in batches that can be checked for continuity."""

import time
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from schemas.event_log import Record
from streams.batch import Batch
from streams.faust_logger import FAUST_LOGGER
from streams.kafka.group import group_metadata
from streams.kafka.group_member import GroupMember
from streams.kafka.security import aiokafka_config
from streams.kafka.settings import KafkaSettings


class Connected(Protocol):
    """What a consumer needs to know of its transport."""

    @property
    def settings(self) -> KafkaSettings:
        """Where Kafka is, and how it is reached."""
        ...

    @property
    def member(self) -> GroupMember:
        """How it is a member of its group."""
        ...


class KafkaConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Runs the aiokafka consumer in a loop of its own, so that heartbeats go out however busy the engine is.

    Positions are taken around each fetch, in this thread: a batch says from where it was read and where the next one
    begins, whatever lies between (transaction markers, aborted records, records that retention has taken).
    """

    logger = FAUST_LOGGER
    transport: Connected

    def __post_init__(self) -> None:
        super().__post_init__()
        self._sought: dict[TP, int] = {}
        """Where reading was told to go on, of partitions of which nothing was read since."""
        self._sought_in: object = None
        """The assignment in which reading was told where to go on; what is read in another one is not handed over."""

    def _create_worker_consumer(self, transport: Connected) -> AIOKafkaConsumer:
        self._assignor = self.app.assignor
        member = transport.member
        return AIOKafkaConsumer(
            bootstrap_servers=transport.settings.bootstrap,
            client_id=transport.settings.client_id,
            group_id=self.app.conf.id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",  # what retention took is passed over, not waited for
            session_timeout_ms=member.session_timeout_ms,
            heartbeat_interval_ms=member.heartbeat_interval_ms,
            rebalance_timeout_ms=member.rebalance_timeout_ms,
            max_poll_interval_ms=member.max_poll_interval_ms,
            request_timeout_ms=member.request_timeout_ms,
            fetch_max_wait_ms=member.fetch_max_wait_ms,
            max_poll_records=member.max_poll_records,
            **aiokafka_config(transport.settings.security),
        )

    @property
    def member_id(self) -> str:
        """Who this worker is to the group, from joining it until it leaves or is expelled."""
        return str(self._ensure_consumer()._coordinator.member_id)  # noqa: SLF001 aiokafka tells it nowhere else

    def metadata(self) -> bytes:
        """This member of the group in its generation; to be asked for while an assignment is announced."""
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001 aiokafka tells it nowhere else
        return group_metadata(coordinator.group_id, coordinator.generation, coordinator.member_id)

    def trouble(self) -> BaseException | None:
        """Why the group will never give this worker anything; aiokafka waits for somebody to ask, and Faust never does."""
        coordinator = self._consumer and self._consumer._coordinator  # noqa: SLF001 aiokafka tells it only by raising, once
        if coordinator is None:  # the brokers have not told yet who coordinates the group
            return None
        coordination = coordinator._coordination_task  # noqa: SLF001
        ended = coordination.exception() if coordination.done() and not coordination.cancelled() else None
        trouble: BaseException | None = ended or coordinator._pending_exception  # noqa: SLF001
        return trouble

    async def ask_anew(self) -> None:
        """Have the group share out its partitions anew, of what its members have by then."""
        await self.call_thread(self._ask_anew)

    async def _ask_anew(self) -> None:
        self._ensure_consumer()._coordinator.request_rejoin()  # noqa: SLF001 aiokafka has no other way

    async def go_on_at(self, positions: Mapping[TP, int]) -> None:
        """After an assignment: read these partitions from these offsets on."""
        await self.call_thread(self._go_on_at, positions)

    async def go_back(self, tp: TP, offset: int) -> None:
        """Read a partition again from an offset on."""
        await self.call_thread(self._go_to, {tp: offset})

    async def pause(self, paused: Collection[TP]) -> None:
        """Fetch from these no more for now, and from all others.

        Merely not asking for them would stop the others too: while something fetched waits to be asked for, aiokafka
        fetches nothing from its broker, for up to 100 ms.
        """
        await self.call_thread(self._pause, paused)

    async def _pause(self, paused: Collection[TP]) -> None:
        consumer = self._ensure_consumer()
        for tp in consumer.assignment():
            (consumer.pause if tp in paused else consumer.resume)(tp)

    async def _go_on_at(self, positions: Mapping[TP, int]) -> None:
        self._sought, self._sought_in = {}, self._assignment()
        await self._go_to(positions)

    async def _go_to(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        for tp, offset in positions.items():
            if tp in assigned:  # else it has just been taken away, and whoever has it now reads it
                consumer.seek(tp, offset)
                self._sought[tp] = offset

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, list[Batch]]:
        assignment = self._assignment()
        before = self._positions(active_partitions)
        fetched = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        if self._sought_in is None or self._assignment() is not self._sought_in:
            return {}  # partitions were assigned anew: they are sought next, and what was read comes again
        if assignment is not self._sought_in:
            before = {}
        after = self._positions(active_partitions)
        batches = (self._batch(tp, fetched.get(tp, ()), before.get(tp), following) for tp, following in after.items())
        return {TP(batch.topic, batch.partition): [batch] for batch in batches if batch is not None}

    def _batch(self, tp: TP, fetched: Any, before: int | None, following: int) -> Batch | None:
        """What was read of a partition; None when its position did not move."""
        known = [position for position in (before, self._sought.get(tp)) if position is not None]
        if fetched:
            known.append(fetched[0].offset)
        if not fetched and (not known or following <= min(known)):
            return None
        self._sought.pop(tp, None)
        return Batch(tp.topic, tp.partition, min(known), tuple(map(as_record, fetched)), following)

    def _assignment(self) -> Any:
        subscription = self._ensure_consumer()._subscription.subscription  # noqa: SLF001 aiokafka tells it nowhere else
        return subscription.assignment if subscription is not None else None

    def _positions(self, partitions: set[TP]) -> dict[TP, int]:
        assignment = self._assignment()
        states = {tp: assignment.state_value(tp) for tp in partitions} if assignment is not None else {}
        return {ensure_TP(tp): s.position for tp, s in states.items() if s is not None and s.has_valid_position}

    def close(self) -> None:
        """Faust's closes the client from another thread when partitions move during a stop; stopping does it all."""

    def on_crash(self, msg: str, *fmt: Any, **_more: Any) -> None:
        """Faust's prints to standard error; the app's host is told anyway."""
        FAUST_LOGGER.error("%s", msg.format(*fmt))


def as_record(record: Any) -> Record:
    """A record without a timestamp counts as written when it was read."""
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp if record.timestamp is not None and record.timestamp >= 0 else _now_ms(),
        key=record.key,
        value=record.value,
        headers=tuple([(name, value or b"") for name, value in record.headers]),
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
