"""Benchmark `kafka`: latency at a steady rate, and completed enrollments a second, by roles as processes on a real broker."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import confluent_kafka
import psycopg

from bench.figure import Figure, percentiles
from bench.kafka_cluster import BenchCluster, created, journal_reader, new_producer, running_cluster

CONTACTS = {"full": 20_000, "quick": 2_000}
RATE, SECONDS = 1_000, {"full": 10, "quick": 3}
COLD_S = 5
"""The first so many seconds are not counted with the rest."""
LIMIT_S = 120.0


async def run(directory: Path, size: str) -> list[Figure]:
    """With one worker and with two; the broker, Postgres and the load share the machine with them."""
    return await asyncio.to_thread(_measure_all, directory, size)


def _measure_all(directory: Path, size: str) -> list[Figure]:
    figures: list[Figure] = []
    for workers in (1, 2):
        with running_cluster(directory / f"{workers}", workers=workers) as cluster:
            figures += _latency(cluster, workers, SECONDS[size]) + _throughput(cluster, workers, CONTACTS[size])
    return figures


def _latency(cluster: BenchCluster, workers: int, seconds: int) -> list[Figure]:
    """From the producer's call, and from its confirmation, until a reader of committed records sees the first step.

    The first seconds are figures of their own: broker, clients and caches are new, and on a machine of two cores the
    broker's compiler takes one of them.
    """
    load = _Load(cluster.bootstrap)
    with _first_steps(cluster.bootstrap) as seen:
        for number in range(RATE * (COLD_S + seconds)):
            if number == RATE * COLD_S:
                before = cluster.cpu_s
            load.send_at(number / RATE, f"l{workers}-{number}")
        used = {who: cpu_s - before[who] for who, cpu_s in cluster.cpu_s.items()}
        load.finish()
        deadline = time.perf_counter() + LIMIT_S
        while len(seen) < len(load.sent) and time.perf_counter() < deadline:
            time.sleep(0.05)
    assert len(seen) == len(load.sent), f"{len(load.sent) - len(seen)} of {len(load.sent)} first steps did not appear"
    cold, steady = list(load.sent)[: RATE * COLD_S], list(load.sent)[RATE * COLD_S :]
    words = f"{_words(workers)}, {RATE:,}/s"

    def waits(contacts: list[str], since: dict[str, float]) -> list[float]:
        return [(seen[contact] - since[contact]) * 1e3 for contact in contacts]

    return [
        *percentiles(f"{words}: event sent to first step", waits(steady, load.sent), "ms"),
        *percentiles(f"{words}: event confirmed to first step", waits(steady, load.confirmed), "ms"),
        *percentiles(f"{words}, the first {COLD_S} s: sent to first step", waits(cold, load.sent), "ms"),
        *(
            Figure(f"{words}: processor time an event, {who}", cpu_s / len(steady) * 1e6, "us")
            for who, cpu_s in used.items()
        ),
    ]


class _Load:
    """Sends events, each at its time, and keeps when; a producer's own threads do the rest."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = new_producer(bootstrap)
        self._began = time.perf_counter()
        self.sent: dict[str, float] = {}
        self.confirmed: dict[str, float] = {}
        self._done = Event()
        self._reports = Thread(target=self._hear)
        self._reports.start()

    def send_at(self, after_s: float, contact: str) -> None:
        """It sleeps until then: one that looks again and again would take a core from what is measured."""
        left_s = self._began + after_s - time.perf_counter()
        if left_s > 0:
            time.sleep(left_s)
        self.sent[contact] = time.perf_counter()
        created(self._producer, contact, self._report)

    def finish(self) -> None:
        self._producer.flush(30)
        self._done.set()
        self._reports.join()

    def _hear(self) -> None:
        while not self._done.is_set():
            self._producer.poll(0.1)

    def _report(self, _error: object, message: confluent_kafka.Message) -> None:
        self.confirmed[(message.key() or b"").decode()] = time.perf_counter()


@contextlib.contextmanager
def _first_steps(bootstrap: str) -> Iterator[dict[str, float]]:
    """When each contact's first step was seen, by a reader of the journal that waits for it."""
    seen: dict[str, float] = {}
    following, done = Event(), Event()

    def follow() -> None:
        consumer = journal_reader(bootstrap)
        following.set()
        while not done.is_set():
            first = consumer.poll(0.1)  # `consume` alone would wait until there are so many
            for message in [first, *consumer.consume(500, 0)] if first is not None else ():
                if message.error() is None and message.key() and b'"step_completed"' in message.value():
                    seen.setdefault(message.key().decode(), time.perf_counter())
        consumer.close()

    thread = Thread(target=follow)
    thread.start()
    following.wait()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _throughput(cluster: BenchCluster, workers: int, contacts: int) -> list[Figure]:
    """From the first event until Postgres counts every enrollment as completed; producing them takes part of it."""
    with psycopg.connect(cluster.database_url, autocommit=True) as connection:

        def completed() -> int:
            row = connection.execute("SELECT count(*) FROM workflow_enrollments WHERE status = 'completed'").fetchone()
            return int(row[0]) if row else 0

        before, producer = completed(), new_producer(cluster.bootstrap)
        began = time.perf_counter()
        for number in range(contacts):
            created(producer, f"t{workers}-{number}")
        producer.flush(60)
        while completed() - before < contacts:
            assert time.perf_counter() - began < LIMIT_S, "the enrollments did not complete in time"
            time.sleep(0.05)
        rate = contacts / (time.perf_counter() - began)
    return [Figure(f"{_words(workers)}: enrollments completed in Postgres", rate, "/s")]


def _words(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
