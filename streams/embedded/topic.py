"""A topic of the embedded log: its id, and its partitions' places among all of the log."""

import sqlite3
import uuid

import msgspec

from schemas.event_log_errors import TopicMismatch
from streams.embedded import schema
from streams.embedded.partition import LogPartition


class Topic(msgspec.Struct, frozen=True):
    """A topic as the log's process sees it."""

    topic_id: str
    partitions: tuple[LogPartition, ...]


def create_topic(writer: sqlite3.Connection, topic: str, partitions: int) -> Topic:
    """Make a topic in the file.

    Raises:
        TopicMismatch: it would have no partition.
    """
    if partitions < 1:
        message = f"topic {topic}: expected 1 partition or more, found {partitions}"
        raise TopicMismatch(message)
    topic_id = str(uuid.uuid4())
    with schema.transaction(writer):
        taken = [first_number + count for _, _, count, first_number in writer.execute(schema.TOPICS)]
        first_number = max(taken, default=0)
        writer.execute(schema.INSERT_TOPIC, (topic, topic_id, partitions, first_number))
    return load_topic(writer, topic, topic_id, partitions, first_number)


def load_topic(writer: sqlite3.Connection, topic: str, topic_id: str, partitions: int, first_number: int) -> Topic:
    """The topic whose partitions begin with the number `first_number`, each as far as the file has it."""
    found = []
    for partition in range(partitions):
        end, last_timestamp_ms = schema.end_of(writer, first_number + partition)
        number = first_number + partition
        found.append(LogPartition(topic, partition, number, end=end, last_timestamp_ms=last_timestamp_ms))
    return Topic(topic_id, tuple(found))
