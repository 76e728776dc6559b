"""Benchmark `rebalance`: how long partitions stand still when a worker joins, stops cleanly or is killed, at 5,000 events a second."""

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Self

from bench.figure import Figure
from bench.kafka_cluster import journal_reader, new_producer, produce, running_cluster
from tests.support.client import eventually
from tests.support.cluster import Cluster

RATE = 5_000
CONTACTS = 20_000
SESSION_S = 6.0
"""`Cluster` sets it: so long nobody can know that a worker was killed."""
LIMIT_S = 60.0
ROUNDS = {"full": 3, "quick": 1}
_TICK_S = 0.002


async def run(directory: Path, size: str) -> list[Figure]:
    """Three workers, one after the other taken away and brought back; the longest of the rounds counts."""
    return await asyncio.to_thread(_measure, directory, ROUNDS[size])


def _measure(directory: Path, rounds: int) -> list[Figure]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    with (
        running_cluster(directory, workers=3) as cluster,
        _Load(cluster.bootstrap),
        _Journal(cluster.bootstrap) as journal,
    ):
        last = cluster.workers[-1]

        def join() -> None:
            last.start().wait_until_ready()

        def join_with_nothing() -> None:
            shutil.rmtree(cluster.directory / last.name)
            join()

        journal.until_all_moved_since(time.time())
        acts: dict[str, Callable[[], object]] = {
            "clean stop": last.stop,
            "join": join,
            "kill": last.kill,
            "join without local state": join_with_nothing,
        }
        for name in list(acts) * rounds:
            found[name] += journal.standstills(acts[name], lambda: _settled(cluster))
    figures = []
    for name, seconds in found.items():
        beyond = SESSION_S if name == "kill" else 0.0
        words = f"{name}, beyond the session time-out" if beyond else name
        figures.append(Figure(f"{words}: longest standstill of a partition", max(seconds) - beyond, "s"))
        figures.append(Figure(f"{name}: median of all partitions", median(seconds), "s"))
    return figures


def _settled(cluster: Cluster) -> bool:
    """Whether all workers that run own what they were given."""
    return all(worker.is_ready() for worker in cluster.workers if worker.alive)


class _Load:
    """Contact events that no workflow asks for, at a steady rate, until it is left."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = new_producer(bootstrap)
        self._done = Event()
        self._thread = Thread(target=self._send)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._producer.flush(10)

    def _send(self) -> None:
        began, sent = time.perf_counter(), 0
        while not self._done.is_set():
            due = int((time.perf_counter() - began) * RATE)
            for number in range(sent, due):
                produce(self._producer, f"r{number % CONTACTS}", "page.viewed", {"page": "pricing"})
            sent = max(sent, due)
            self._producer.poll(0)
            time.sleep(_TICK_S)


class _Journal:
    """When each partition's journal grew: the broker's time of its committed records."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = journal_reader(bootstrap)
        self._times: defaultdict[int, list[float]] = defaultdict(list)
        self._partitions = {place.partition for place in self._consumer.assignment()}
        self._done = Event()
        self._thread = Thread(target=self._follow)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._consumer.close()

    def standstills(self, act: Callable[[], object], settled: Callable[[], bool]) -> list[float]:
        """The longest pause of each partition, from the act until all go on for good."""
        began = time.time()
        act()
        eventually(settled, "the workers to own all partitions", seconds=LIMIT_S)
        self.until_all_moved_since(time.time())
        return [self._longest_pause(number, since=began) for number in self._partitions]

    def until_all_moved_since(self, moment: float) -> None:
        eventually(
            lambda: all(self._times[number] and self._times[number][-1] > moment for number in self._partitions),
            "every partition to go on",
            seconds=LIMIT_S,
        )

    def _longest_pause(self, number: int, *, since: float) -> float:
        times = list(self._times[number])
        return max(later - sooner for sooner, later in pairwise(times) if later > since)

    def _follow(self) -> None:
        while not self._done.is_set():
            first = self._consumer.poll(0.1)
            for message in [first, *self._consumer.consume(5_000, 0)] if first is not None else ():
                if message.error() is None:
                    at, times = message.timestamp()[1] / 1000, self._times[message.partition() or 0]
                    if not times or at > times[-1]:
                        times.append(at)
