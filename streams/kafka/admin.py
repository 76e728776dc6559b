"""The cluster's side matters: its id, its topics, and where their partitions end, without blocking."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import msgspec
import structlog
from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka import TopicCollection as Names
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from domain.errors import HeadraceError
from schemas.event_log_errors import TopicMismatch, UnknownPartition, UnknownTopic
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.errors import AuthenticationFailed, KafkaUnreachable
from streams.kafka.explained import UNREACHABLE, explained
from streams.kafka.records import Place
from streams.kafka.settings import KafkaSettings

_PAUSE_S: Final = 0.02
_FIRST_S: Final = 10.0
"""Whoever starts Headrace with a wrong address or password should not wait for long to be told."""
_NOT_ACCEPTED: Final = (
    KafkaError._AUTHENTICATION,  # noqa: SLF001 librdkafka's own codes begin so
    KafkaError._SSL,  # noqa: SLF001
)
"""The client would try again until the time is out, and fail again."""
_NOT_ACCEPTED_S: Final = 1.0
"""So long an answer may still come from a broker that let us in before."""
_LOOK_S: Final = 0.05
PASSING: Final = (
    KafkaError._DESTROY,  # noqa: SLF001 the client was renewed meanwhile
    KafkaError.UNSTABLE_OFFSET_COMMIT,  # a transaction that was committed is being written into the group just now
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.OFFSET_NOT_AVAILABLE,
)
STALE: Final = (
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError._NOENT,  # noqa: SLF001 no leader was found: the broker has just come back
)
"""What the client remembers of the leaders is no longer so, and it would not ask by itself."""
_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class TopicInfo(msgspec.Struct, frozen=True):
    """A topic as the cluster knows it."""

    name: str
    topic_id: str
    partitions: int
    replicas: int
    """How many each partition has, or the one that has fewest."""
    ready: bool
    """Whether each partition has a leader."""


class KafkaAdmin:
    """An `AdminClient` for an event loop. What the cluster refuses comes as errors of ours."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._last_error = ""
        self._not_accepted_at = -math.inf
        self.client = self._new_client()
        self._timeout_s = settings.request_timeout_ms / 1000
        self._attempt_s = self._timeout_s / 4
        self._topics: dict[str, TopicInfo] = {}
        self._ends = EndOffsets(lambda: self.client, self._attempt_s)

    async def cluster_id(self) -> str:
        """The id that the cluster was given when its first node was formatted."""
        asked = self.client.describe_cluster(request_timeout=min(self._timeout_s, _FIRST_S))
        return str((await self.result(asked, "reach the cluster")).cluster_id)

    async def describe(self, name: str) -> TopicInfo | None:
        """The topic as it stands now; None when there is none. Asking never makes it."""
        asked = self.client.describe_topics(Names([name]), request_timeout=self._timeout_s)
        try:
            found = await self.result(asked[name], f"describe topic {name}")
        except UnknownTopic:
            self._topics.pop(name, None)
            return None
        ready = all(p.leader is not None and p.leader.id >= 0 for p in found.partitions)
        replicas = min(len(p.replicas) for p in found.partitions)
        info = TopicInfo(name, str(found.topic_id), len(found.partitions), replicas, ready)
        self._topics[name] = info
        return info

    async def topic(self, name: str) -> TopicInfo:
        """The topic as it stands now.

        Raises:
            UnknownTopic: there is none of this name.
        """
        found = await self.describe(name)
        if found is None:
            message = (
                f"expected topic {name} on {self._settings.bootstrap}, found none; `headrace topics create` makes it"
            )
            raise UnknownTopic(message)
        return found

    async def check_places(self, places: set[Place]) -> None:
        """Refuse topics and partitions that are not there; what was seen once is not asked for again.

        Raises:
            UnknownTopic: there is no topic of this name.
            UnknownPartition: the topic has no such partition.
        """
        for name, partition in places:
            known = self._topics.get(name)
            if known is None or not 0 <= partition < known.partitions:
                known = await self.topic(name)
            if not 0 <= partition < known.partitions:
                message = f"topic {name}: expected a partition below {known.partitions}, found {partition}"
                raise UnknownPartition(message)

    def forget(self, name: str) -> None:
        """The topic may have changed: ask again."""
        self._topics.pop(name, None)

    async def create(
        self, name: str, partitions: int, replication_factor: int | None, config: Mapping[str, str]
    ) -> bool:
        """Make the topic and wait until it can be used; False when it exists already.

        Raises:
            TopicMismatch: the number of partitions makes no sense.
        """
        if partitions < 1:
            message = f"topic {name}: expected 1 partition or more, found {partitions}"
            raise TopicMismatch(message)
        new = NewTopic(name, partitions, replication_factor or -1, config=dict(config))
        asked = self.client.create_topics([new], request_timeout=self._timeout_s)
        try:
            await asyncio.wrap_future(asked[name])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._explained(error, f"create topic {name}") from error
            await self._until_ready(name)
            return False
        await self._until_ready(name)
        return True

    async def end_offset(self, topic: str, partition: int) -> int:
        """Where a reader of committed records ends now. Who asks at the same time is asked for together."""
        return await self._patiently(lambda: self._ends.of((topic, partition)), f"find the end of {topic}/{partition}")

    async def written_end(self, topic: str, partition: int) -> int:
        """Where all records end, those of open transactions too."""

        async def ask() -> int:
            (asked,) = self.client.list_offsets(
                {TopicPartition(topic, partition): OffsetSpec.latest()},
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=self._attempt_s,
            ).values()
            return int((await asyncio.wrap_future(asked)).offset)

        return await self._patiently(ask, f"find the end of {topic}/{partition}")

    async def result(self, asked: "Future[_T] | Awaitable[_T]", what: str) -> _T:
        """What was asked of the client, or an error of ours that says what could not be done."""
        try:
            answer = asyncio.wrap_future(asked) if isinstance(asked, Future) else asyncio.ensure_future(asked)
            return await self._unless_not_accepted(answer, what)
        except KafkaException as error:
            raise self._explained(error, what) from error

    async def _unless_not_accepted(self, answer: "asyncio.Future[_T]", what: str) -> _T:
        began = time.monotonic()
        while not (await asyncio.wait([answer], timeout=_LOOK_S))[0]:
            self.client.poll(0)  # hands over why connections fail
            if self._not_accepted_at >= began and time.monotonic() > began + _NOT_ACCEPTED_S:
                answer.add_done_callback(lambda late: late.cancelled() or late.exception())
                message = (
                    f"could not {what}: authentication with {self._settings.bootstrap} failed ({self._last_error}); check the "
                    "HEADRACE_KAFKA_SASL_* and HEADRACE_KAFKA_SSL_* settings"
                )
                raise AuthenticationFailed(message)
        return answer.result()

    async def _until_ready(self, name: str) -> None:
        """A new topic is known to the controller before the brokers lead its partitions."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            found = await self.describe(name)
            if found is not None and found.ready:
                return
            if time.monotonic() > deadline:
                message = f"topic {name} has partitions without a leader: see that the brokers run"
                raise KafkaUnreachable(message)
            await asyncio.sleep(_PAUSE_S)

    async def _patiently(self, ask: Callable[[], Awaitable[_T]], what: str) -> _T:
        """Ask again while the cluster is only busy with itself."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            self.client.poll(0)  # hands over what it logs
            try:
                return await ask()
            except KafkaException as error:
                code = error.args[0].code()
                if code not in PASSING + STALE + UNREACHABLE or time.monotonic() > deadline:
                    raise self._explained(error, what) from error
            if code in STALE:
                await self._refresh()
            elif code in UNREACHABLE:
                self._renew()
            await asyncio.sleep(_PAUSE_S)

    def _new_client(self) -> Any:
        return AdminClient({**self._settings.client(), "error_cb": self._remember})

    def _renew(self) -> None:
        """Begin with new connections: what is still asked of the old ones is asked again."""
        old = [self.client]
        self.client = self._new_client()
        asyncio.get_running_loop().run_in_executor(None, old.clear)  # the last of it; ending a client takes a while

    async def _refresh(self) -> None:
        try:
            await asyncio.to_thread(self.client.list_topics, timeout=_FIRST_S)
        except KafkaException as error:
            _log.warning("kafka.metadata_failed", error=error.args[0].name())

    def _explained(self, error: KafkaException, what: str) -> HeadraceError:
        self.client.poll(0)
        return explained(error.args[0], f"could not {what}", self._settings.bootstrap, self._last_error)

    def _remember(self, error: Any) -> None:
        """Called by `poll`: why connections fail is told here, and only here."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 says less than the one before it
            self._last_error = error.str()
        if error.code() in _NOT_ACCEPTED:
            self._not_accepted_at = time.monotonic()
