"""A cluster for one benchmark: a broker, Postgres, and the roles as processes; all on this machine."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confluent_kafka

from bench.machine import cpu_of_family
from bench.workflows import THREE_STEPS
from projections.postgres import EmbeddedPostgres
from schemas.topics import CONTACT_EVENTS, JOURNAL
from tests.support.cluster import Cluster
from tests.support.kafka_broker import JavaBroker
from tests.support.kafka_jars import fetch_jars

Report = Callable[[object, confluent_kafka.Message], None]


class BenchCluster(Cluster):
    """Knows its broker, to tell what it costs."""

    broker: JavaBroker

    @property
    def cpu_s(self) -> dict[str, float]:
        """Processor seconds so far, of the broker and of the workers together."""
        workers = sum(cpu_of_family(worker.pid) for worker in self.workers)
        return {"workers": workers, "broker": cpu_of_family(self.broker.pid)}


@contextlib.contextmanager
def running_cluster(place: Path, *, workers: int) -> Iterator[BenchCluster]:
    """All roles ready, and the workflow of three steps published."""
    fetch_jars()
    place.mkdir(parents=True, exist_ok=True)
    broker, postgres = JavaBroker(place / "kafka"), EmbeddedPostgres()
    broker.start()
    cluster = BenchCluster(place / "cluster", broker.bootstrap, postgres.start(place / "postgres"), workers=workers)
    cluster.broker = broker
    try:
        cluster.create_topics()
        cluster.start()
        cluster.call("POST", "/api/v1/workflows?publish=true", json=THREE_STEPS, expect=201)
        yield cluster
    finally:
        cluster.end()
        postgres.stop()
        broker.kill()


def new_producer(bootstrap: str) -> confluent_kafka.Producer:
    """As an upstream service's."""
    settings = {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 1}
    return confluent_kafka.Producer({**settings, "queue.buffering.max.messages": 200_000})


def produce(
    producer: confluent_kafka.Producer, contact: str, kind: str, data: dict[str, Any], report: Report | None = None
) -> None:
    """Send a contact event, without waiting for it."""
    value = json.dumps({"type": kind, "contact_id": contact, "data": data})
    producer.produce(CONTACT_EVENTS, key=contact, value=value, on_delivery=report)


def created(producer: confluent_kafka.Producer, contact: str, report: Report | None = None) -> None:
    """Send a new contact, which the workflow enrols."""
    data = {"contact": {"first_name": "Ada", "source": "facebook_ad"}}
    produce(producer, contact, "contact.created", data, report)


def journal_reader(bootstrap: str) -> confluent_kafka.Consumer:
    """Reads the journal's committed records, from its end on."""
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
