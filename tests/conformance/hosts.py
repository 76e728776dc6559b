"""The hosts of the event log under test. Each opens a log at a location, in this process or in another."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from schemas.event_log import EventLog, Record
from streams.embedded.log import EmbeddedEventLog
from streams.kafka.log import KafkaEventLog
from streams.kafka.settings import KafkaSettings
from tests.conformance.namespaced import NamespacedLog


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _open_embedded(location: str, clock: Callable[[], int]) -> EventLog:
    return await EmbeddedEventLog.open(Path(location), clock=clock)


async def _open_kafka(location: str, _clock: Callable[[], int]) -> EventLog:
    """`location`: bootstrap servers / what the names of this log's topics and groups begin with."""
    bootstrap, _, prefix = location.partition("/")
    log = NamespacedLog(await KafkaEventLog.open(KafkaSettings(bootstrap=bootstrap)), prefix.replace("/", "."))
    for topic in INPUTS:  # Kafka keeps positions only of topics that exist
        await log.create_topic(topic, INPUT_PARTITIONS)
    return log


HOSTS: Final = {"embedded": _open_embedded, "kafka": _open_kafka}
INPUTS: Final = ("inputs", "commands")
INPUT_PARTITIONS: Final = 4


async def open_log(host: str, location: str, clock: Callable[[], int] = now_ms) -> EventLog:
    """Open the log of a host; opening the same location again finds what was committed."""
    return await HOSTS[host](location, clock)


async def everything(log: EventLog, topic: str, partition: int, *, limit: int = 1_000) -> AsyncIterator[Record]:
    """All committed records of a partition, read `limit` at a time."""
    offset = 0
    while True:
        chunk = await log.read(topic, partition, offset, limit=limit)
        for record in chunk:
            yield record
        if chunk.next == offset:
            return
        offset = chunk.next
