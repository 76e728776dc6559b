"""Chaos on a real Kafka: faults of every kind under load; afterwards a checker that shares no code with the engine counts.

The short form runs in CI; `make soak` runs the long one (HEADRACE_CHAOS_FAULTS and HEADRACE_CHAOS_SEED choose).
"""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import confluent_kafka
import pytest
import requests

from projections.postgres import EmbeddedPostgres
from tests.chaos.checker import Report, check, inbox_of, read_journal
from tests.support.client import eventually
from tests.support.cluster import Cluster, Role
from tests.support.kafka_broker import JavaBroker
from tests.support.kafka_jars import fetch_jars

FAULTS = int(os.environ.get("HEADRACE_CHAOS_FAULTS", "16"))
SEED = int(os.environ.get("HEADRACE_CHAOS_SEED", "20261123"))
RATE = 60
PEOPLE = 400
OF_PROVIDERS = (
    {"kind": "reset_after_accept", "rate": 0.02},
    {"kind": "reset_before_accept", "rate": 0.02},
    {"kind": "status", "status": 429, "retry_after": 1, "rate": 0.02},
    {"kind": "status", "status": 500, "rate": 0.02},
    {"kind": "hang", "rate": 0.005},
    {"kind": "undelivered", "rate": 0.02},
)
"""What goes wrong with calls of providers all the while."""
DEFINITION = """
name: Chaos
trigger: {type: event, config: {name: chaos.go}}
reentry: after_exit
steps:
  - {id: hi, type: send_sms, config: {body: 'Hi {{event.n}}'}}
  - {id: pause, type: delay, config: {duration: 2, unit: seconds}}
  - id: check
    type: condition
    config: {field: last_sms_reply, operator: exists}
    branches: {true: warm, false: cold}
  - {id: warm, type: add_tag, config: {tag: warm}, next: bye}
  - {id: cold, type: add_tag, config: {tag: cold}}
  - {id: bye, type: send_email, config: {subject: Bye, body: 'Bye {{event.n}}'}}
"""


class Load(threading.Thread):
    """An upstream service: every event again and again until the broker acknowledged it, so some come twice."""

    def __init__(self, bootstrap: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._chance, self._stopping = random.Random(seed), threading.Event()
        self._producer = confluent_kafka.Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "enable.idempotence": True,
             "compression.type": "lz4", "message.timeout.ms": 120_000, "log_level": 2}
        )  # fmt: skip
        self.accepted: list[tuple[str, str, str]] = []
        self.failed = 0

    def run(self) -> None:
        self._created()
        number, began = 0, time.monotonic()
        while not self._stopping.is_set():
            while number < (time.monotonic() - began) * RATE:
                self._produce(number)
                number += 1
            self._producer.poll(0.01)
        self.failed += self._producer.flush(120)

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=180)

    def _created(self) -> None:
        for n in range(PEOPLE):
            contact = {"first_name": f"N{n}", "phone": f"+1555{n:07}", "email": f"n{n}@example.com"}
            self._send(f"p{n}", f"created-{n}", "contact.created", {"contact": contact})

    def _produce(self, number: int) -> None:
        contact = f"p{self._chance.randrange(PEOPLE)}"
        kind = self._chance.choice(["chaos.go", "chaos.go", "contact.sms_received", "contact.tag_added"])
        data = {"body": "yes"} if kind == "contact.sms_received" else {"tag": "seen", "n": number}
        repeats = 2 if self._chance.random() < 0.05 else 1
        for _ in range(repeats):
            self._send(contact, f"event-{number}", kind, data)

    def _send(self, contact: str, event_id: str, kind: str, data: dict) -> None:
        event = {"type": kind, "contact_id": contact, "id": event_id, "data": data}

        def delivered(error: object, _message: object) -> None:
            if error is None:
                self.accepted.append((contact, "contact-events", event_id))
            else:
                self.failed += 1

        self._producer.produce("contact-events", key=contact, value=json.dumps(event), on_delivery=delivered)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[JavaBroker]:
    fetch_jars()
    one = JavaBroker(tmp_path / "kafka")
    one.start()
    yield one
    one.kill()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[tuple[EmbeddedPostgres, str]]:
    server = EmbeddedPostgres()
    yield server, server.start(tmp_path / "postgres")
    server.stop()


@pytest.fixture
def cluster(tmp_path: Path, broker: JavaBroker, postgres: tuple[EmbeddedPostgres, str]) -> Iterator[Cluster]:
    one = Cluster(tmp_path / "cluster", broker.bootstrap, postgres[1], callbacks=True)
    one.create_topics()
    yield one
    one.end()


class Faults:
    """Each fault is a method; whatever died is started again, as a supervisor would."""

    def __init__(self, cluster: Cluster, broker: JavaBroker, postgres: EmbeddedPostgres, directory: Path) -> None:
        self.cluster, self.broker, self.postgres, self.directory = cluster, broker, postgres, directory
        self.chance = random.Random(SEED)
        self.done: list[str] = []
        self._deck: list[Callable[[], None]] = []

    def kinds(self) -> list[Callable[[], None]]:
        """One deck: kills and stops are common, and each other kind is in it."""
        return [self.kill_worker] * 5 + [self.stop_worker] * 2 + [self.freeze_worker, self.wipe_worker,
                self.kill_projector, self.kill_projector, self.kill_api, self.restart_broker, self.restart_postgres, self.join]  # fmt: skip

    def strike(self) -> None:
        if not self._deck:
            self._deck = self.kinds()
            self.chance.shuffle(self._deck)
        fault = self._deck.pop()
        fault()
        self.done.append(fault.__name__)
        self.revive()

    def revive(self) -> None:
        for role in self.cluster.roles:
            if not role.alive:
                role.start()

    def all_ready(self) -> bool:
        self.revive()
        return all(role.is_ready() for role in self.cluster.roles)

    def _worker(self) -> Role:
        return self.chance.choice(self.cluster.workers)

    def kill_worker(self) -> None:
        self._worker().kill()

    def stop_worker(self) -> None:
        self._worker().stop()

    def freeze_worker(self) -> None:
        """Past the session timeout: its partitions go to another, and it is a zombie when it wakes."""
        worker = self._worker()
        worker.signal(signal.SIGSTOP)
        time.sleep(9)
        worker.signal(signal.SIGCONT)

    def wipe_worker(self) -> None:
        number = self.chance.randrange(len(self.cluster.workers))
        self.cluster.workers[number].kill()
        shutil.rmtree(self.cluster.directory / f"worker-{number}", ignore_errors=True)

    def kill_projector(self) -> None:
        self.cluster.projector.kill()

    def kill_api(self) -> None:
        self.cluster.api.kill()

    def restart_broker(self) -> None:
        self.broker.restart()

    def restart_postgres(self) -> None:
        self.postgres.stop()
        self.postgres.start(self.directory / "postgres")

    def join(self) -> None:
        if len(self.cluster.workers) < 3:
            self.cluster.workers.append(self.cluster.worker(len(self.cluster.workers)))
        else:
            self.kill_worker()


@pytest.mark.timeout(3_600)
def test_whatever_fails_nothing_is_lost_and_nothing_is_sent_twice(cluster, broker, postgres, tmp_path):
    cluster.start()
    workflow = cluster.publish(DEFINITION)
    for seed, fault in enumerate(OF_PROVIDERS):
        requests.post(f"{cluster.sandbox}/faults", json={**fault, "seed": SEED + seed}, timeout=10).raise_for_status()
    load = Load(broker.bootstrap, SEED)
    load.start()
    faults = Faults(cluster, broker, postgres[0], tmp_path)
    began = time.monotonic()
    try:
        for _ in range(FAULTS):
            time.sleep(1 + 2 * faults.chance.random())
            faults.strike()
    finally:
        load.stop()
    eventually(faults.all_ready, "all roles to be ready", seconds=90)
    assert load.failed == 0
    eventually(lambda: at_rest(cluster, workflow["id"]), "all enrollments to come to rest", seconds=240)
    report = settled(cluster, load)
    print(f"\n{len(faults.done)} faults in {time.monotonic() - began:.0f} s: {sorted(faults.done)}")
    print(f"seed {SEED}; starts: { {role.name: role.starts for role in cluster.roles} }")
    print(dict(report.counts))
    assert not report.findings, "\n".join(report.findings[:50])


def at_rest(cluster: Cluster, workflow_id: str) -> bool:
    """Nothing is active any more: ended, or stopped at an unknown outcome."""
    return not cluster.get(f"/workflows/{workflow_id}/enrollments?status=active")["items"]


def settled(cluster: Cluster, load: Load) -> Report:
    """The checker's report. The projector may lag behind the journal for a while, but not for good."""
    deadline = time.monotonic() + 60
    while True:
        report = check(read_journal(cluster.bootstrap), load.accepted, inbox_of(cluster.sandbox), cluster.database_url)
        lagging = any(" rows" in finding or "in Postgres" in finding for finding in report.findings)
        if not lagging or time.monotonic() > deadline:
            return report
        time.sleep(1)
