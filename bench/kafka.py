"""Benchmark `kafka`: latency at a steady rate, and completed enrollments a second, by roles as processes on a real broker."""

import asyncio
import json
import time
from pathlib import Path
from threading import Event, Thread

import confluent_kafka
import psycopg

from bench.figure import Figure, percentiles
from bench.workflows import THREE_STEPS
from projections.postgres import EmbeddedPostgres
from schemas.topics import CONTACT_EVENTS, JOURNAL
from tests.support.cluster import Cluster
from tests.support.kafka_broker import JavaBroker
from tests.support.kafka_jars import fetch_jars

CONTACTS = {"full": 20_000, "quick": 2_000}
RATE, SECONDS = 1_000, {"full": 10, "quick": 3}
LIMIT_S = 120.0


async def run(directory: Path, size: str) -> list[Figure]:
    """With one worker and with two; the broker, Postgres and the load share the machine with them."""
    return await asyncio.to_thread(_measure_all, directory, size)


def _measure_all(directory: Path, size: str) -> list[Figure]:
    fetch_jars()
    figures: list[Figure] = []
    for workers in (1, 2):
        place = directory / f"{workers}"
        place.mkdir(parents=True)
        broker, postgres = JavaBroker(place / "kafka"), EmbeddedPostgres()
        broker.start()
        cluster = Cluster(place / "cluster", broker.bootstrap, postgres.start(place / "postgres"), workers=workers)
        try:
            cluster.create_topics()
            cluster.start()
            cluster.call("POST", "/api/v1/workflows?publish=true", json=THREE_STEPS, expect=201)
            figures += _latency(cluster, workers, SECONDS[size]) + _throughput(cluster, workers, CONTACTS[size])
        finally:
            cluster.end()
            postgres.stop()
            broker.kill()
    return figures


def _latency(cluster: Cluster, workers: int, seconds: int) -> list[Figure]:
    """From the producer's call until a consumer of committed records sees the first step in the journal."""
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    following, done = Event(), Event()

    def follow() -> None:
        consumer = _consumer(cluster.bootstrap)
        following.set()
        while not done.is_set():
            for message in consumer.consume(500, timeout=0.01):
                if message.error() is None and message.key() and b'"step_completed"' in message.value():
                    seen.setdefault(message.key().decode(), time.perf_counter())
        consumer.close()

    thread = Thread(target=follow)
    thread.start()
    following.wait()
    producer = _producer(cluster.bootstrap)
    began = time.perf_counter()
    for number in range(RATE * seconds):
        while time.perf_counter() < began + number / RATE:
            producer.poll(0.0005)
        contact = f"l{workers}-{number}"
        sent[contact] = time.perf_counter()
        _produce(producer, contact)
    producer.flush(30)
    deadline = time.perf_counter() + LIMIT_S
    while len(seen) < len(sent) and time.perf_counter() < deadline:
        time.sleep(0.05)
    done.set()
    thread.join()
    assert len(seen) == len(sent), f"{len(sent) - len(seen)} of {len(sent)} first steps did not appear"
    waits = [(seen[contact] - at) * 1e3 for contact, at in sent.items()]
    return percentiles(f"{_words(workers)}: event to first step, at {RATE:,}/s", waits, "ms")


def _throughput(cluster: Cluster, workers: int, contacts: int) -> list[Figure]:
    """From the first event until Postgres counts every enrollment as completed; producing them takes part of it."""
    with psycopg.connect(cluster.database_url, autocommit=True) as connection:

        def completed() -> int:
            row = connection.execute("SELECT count(*) FROM workflow_enrollments WHERE status = 'completed'").fetchone()
            return int(row[0]) if row else 0

        before, producer = completed(), _producer(cluster.bootstrap)
        began = time.perf_counter()
        for number in range(contacts):
            _produce(producer, f"t{workers}-{number}")
            producer.poll(0)
        producer.flush(60)
        while completed() - before < contacts:
            assert time.perf_counter() - began < LIMIT_S, "the enrollments did not complete in time"
            time.sleep(0.05)
        rate = contacts / (time.perf_counter() - began)
    return [Figure(f"{_words(workers)}: enrollments completed in Postgres", rate, "/s")]


def _words(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def _produce(producer: confluent_kafka.Producer, contact: str) -> None:
    data = {"contact": {"first_name": "Ada", "source": "facebook_ad"}}
    event = {"type": "contact.created", "contact_id": contact, "id": contact, "data": data}
    producer.produce(CONTACT_EVENTS, key=contact, value=json.dumps(event))


def _producer(bootstrap: str) -> confluent_kafka.Producer:
    settings = {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 1}
    return confluent_kafka.Producer({**settings, "queue.buffering.max.messages": 200_000})


def _consumer(bootstrap: str) -> confluent_kafka.Consumer:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "headrace-bench",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
        }
    )
    partitions = consumer.list_topics(JOURNAL, timeout=20).topics[JOURNAL].partitions
    end = confluent_kafka.OFFSET_END
    consumer.assign([confluent_kafka.TopicPartition(JOURNAL, number, end) for number in partitions])
    consumer.poll(2.0)
    return consumer
