"""Requests of the Kafka protocol to the broker that answers for a partition, a transactional id or a consumer group.

Over aiokafka's connections, which know how to log in, how to find brokers again, and which versions they speak.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from aiokafka import errors as aiokafka_errors
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from confluent_kafka import KafkaError, KafkaException

from streams.kafka.admin import PASSING, STALE
from streams.kafka.records import Place
from streams.kafka.security import aiokafka_config
from streams.kafka.settings import KafkaSettings

GROUP: Final = CoordinationType.GROUP
TRANSACTION: Final = CoordinationType.TRANSACTION
_PAUSE_S: Final = 0.001
_MAX_PAUSE_S: Final = 0.1
_ELSEWHERE: Final = (
    *PASSING,
    *STALE,
    KafkaError._TRANSPORT,  # noqa: SLF001 librdkafka's own codes begin so
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.REQUEST_TIMED_OUT,
)
"""Brokers come and go, and partitions and coordinators move between them: it is found out anew who answers."""
_BUSY: Final = (
    KafkaError.CONCURRENT_TRANSACTIONS,  # the markers of the last one are being written
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
)
_T = TypeVar("_T")


class Brokers:
    """Errors come as `KafkaException`s, as librdkafka's do."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Make one; it connects when something is asked."""
        self._settings = settings
        self._client: Any = None
        self._connecting = asyncio.Lock()
        self._coordinators: dict[tuple[CoordinationType, str], int] = {}

    async def coordinator(self, kind: CoordinationType, key: str) -> int:
        """The broker that keeps a consumer group's positions, or a transactional id's transactions."""
        client = await self._connected()
        if (kind, key) not in self._coordinators:
            self._coordinators[kind, key] = await self._translated(client.coordinator_lookup(kind, key))
        return self._coordinators[kind, key]

    async def leaders(self, places: Iterable[Place]) -> dict[int, list[Place]]:
        """The brokers that take records of these partitions, and which of them each takes."""
        client = await self._connected()
        leader_of = {place: client.cluster.leader_for_partition(TopicPartition(*place)) for place in places}
        unknown = {topic for (topic, _), leader in leader_of.items() if leader is None or leader < 0}
        if unknown:
            await asyncio.gather(*map(client.add_topic, unknown))
            raise _exception(KafkaError.LEADER_NOT_AVAILABLE)
        found: dict[int, list[Place]] = {}
        for place, leader in leader_of.items():
            found.setdefault(leader, []).append(place)
        return found

    async def ask(self, broker: int, request: Any, *, coordinates: bool) -> Any:
        """Send one request and wait for its answer; `coordinates` when it is asked as a coordinator."""
        group = ConnectionGroup.COORDINATION if coordinates else ConnectionGroup.DEFAULT
        return await self._translated((await self._connected()).send(broker, request, group=group))

    async def patiently(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """What the attempt gives, made again while the brokers are only busy with themselves; cancel it in time."""
        pause_s = _PAUSE_S
        while True:
            try:
                return await attempt()
            except KafkaException as error:
                code = error.args[0].code()
                if code not in _ELSEWHERE + _BUSY:
                    raise
            if code in _ELSEWHERE:
                self._forget()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.close()

    def _forget(self) -> None:
        """Find out anew who answers for what."""
        self._coordinators.clear()
        if self._client is not None:
            self._client.force_metadata_update()

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None:
                client = AIOKafkaClient(
                    bootstrap_servers=self._settings.bootstrap,
                    client_id=self._settings.client_id,
                    request_timeout_ms=self._settings.request_timeout_ms,
                    **aiokafka_config(self._settings.security),
                )
                try:
                    await self._translated(client.bootstrap())
                except BaseException:
                    await client.close()
                    raise
                self._client = client
        return self._client

    async def _translated(self, asked: Awaitable[_T]) -> _T:
        try:
            return await asked
        except aiokafka_errors.BrokerResponseError as error:
            raise _exception(error.errno, str(error)) from error
        except aiokafka_errors.KafkaError as error:
            code = KafkaError._TRANSPORT if error.retriable else KafkaError._FAIL  # noqa: SLF001
            raise _exception(code, str(error)) from error


def check(codes: Iterable[int]) -> None:
    """Raise the first error among the codes of an answer, one that matters rather than one that passes."""
    wrong = [code for code in codes if code != KafkaError.NO_ERROR]
    if wrong:
        raise _exception(min(wrong, key=lambda code: code in _ELSEWHERE + _BUSY))


def _exception(code: int, reason: str | None = None) -> KafkaException:
    return KafkaException(KafkaError(code, reason))
