"""What the consumer's thread makes of aiokafka's consumer, which keeps much of what we ask for to itself."""

import time
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer

from streams.kafka.consumer_thread import KafkaConsumerThread, as_record


def thread_with(consumer):
    thread = KafkaConsumerThread.__new__(KafkaConsumerThread)  # without Faust's app, which it asks for nothing here
    thread._consumer = consumer
    return thread


async def test_a_consumer_that_has_not_met_its_group_yet_has_no_trouble_with_it():
    assert thread_with(None).trouble() is None
    assert thread_with(AIOKafkaConsumer(group_id="headrace")).trouble() is None


@pytest.mark.parametrize("timestamp", [None, -1])
def test_a_record_without_a_timestamp_counts_as_written_when_it_was_read(timestamp):
    before_ms = time.time_ns() // 1_000_000

    record = as_record(fetched(timestamp=timestamp))

    assert before_ms <= record.timestamp_ms <= time.time_ns() // 1_000_000


def test_a_record_is_taken_as_it_is():
    record = as_record(fetched(timestamp=0, key=None, value=None, headers=(("trace", None), ("kind", b"x"))))

    assert (record.topic, record.partition, record.offset, record.timestamp_ms) == ("contact-events", 3, 7, 0)
    assert (record.key, record.value) == (None, None)
    assert list(record.headers) == [("trace", b""), ("kind", b"x")]


def fetched(*, timestamp, key=b"ada", value=b"{}", headers=()):
    return SimpleNamespace(
        topic="contact-events", partition=3, offset=7, timestamp=timestamp, key=key, value=value, headers=headers
    )
