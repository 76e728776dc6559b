"""The input positions that groups have committed."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.kafka.admin import PASSING
from streams.kafka.explained import explained
from streams.kafka.settings import KafkaSettings

_ATTEMPT_S: Final = 10.0
_PAUSE_S: Final = 0.02


class GroupPositions:
    """Asks as a consumer that belongs to the group and never joins it.

    `AdminClient.list_consumer_group_offsets` would need no consumer, but in librdkafka 2.16 it crashes the process when
    the group's coordinator is just being made, and does not find one again that was restarted.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._consumers: dict[str, Any] = {}
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="headrace-kafka-positions")

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The position that was last committed for the group; None when there is none, or it expired.

        A commit that is confirmed but still being written into the group is waited for.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, group, topic, partition)

    async def close(self) -> None:
        """Let go of the connections."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(self._threads, consumer.close) for consumer in self._consumers.values())
        )
        self._threads.shutdown(wait=False)

    def _ask(self, group: str, topic: str, partition: int) -> int | None:
        deadline = time.monotonic() + self._settings.request_timeout_ms / 1000
        consumer = self._consumer(group)
        while True:
            try:
                (found,) = consumer.committed([TopicPartition(topic, partition)], timeout=_ATTEMPT_S)
                if found.error is None:
                    return int(found.offset) if found.offset >= 0 else None
                error = found.error
            except KafkaException as failed:
                error = failed.args[0]
            passing = error.code() in (*PASSING, KafkaError._TIMED_OUT, KafkaError._WAIT_COORD)  # noqa: SLF001 its own
            if not passing or time.monotonic() > deadline:
                raise explained(error, f"could not read the positions of group {group}", self._settings.bootstrap)
            time.sleep(_PAUSE_S)

    def _consumer(self, group: str) -> Any:
        with self._making:
            if group not in self._consumers:
                self._consumers[group] = Consumer({**self._settings.consumer(), "group.id": group})
            return self._consumers[group]
