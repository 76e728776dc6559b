"""`headrace worker` processes share the partitions: killed, stopped for a while, added, and told to go."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.engine_cluster import PARTITIONS, EngineCluster, eventually
from tests.support.role_process import SESSION_S, RoleProcess

pytestmark = pytest.mark.timeout(240)

STEPS = [
    {"id": "t", "type": "add_tag", "config": {"tag": "seen"}},
    {"id": "wait", "type": "delay", "config": {"duration": 2, "unit": "seconds"}},
    {"id": "u", "type": "add_tag", "config": {"tag": "waited"}},
]
WORKFLOW = {"name": "load", "trigger": {"type": "contact_created"}, "steps": STEPS}

StartWorker = Callable[..., RoleProcess]


@pytest.fixture
def worker(cluster: EngineCluster, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts workers by name; the same name has the same directory."""
    started: list[RoleProcess] = []

    def start(name: str) -> RoleProcess:
        environment = {"HEADRACE_KAFKA": cluster.settings.bootstrap, "HEADRACE_KAFKA_PARTITIONS": str(PARTITIONS)}
        started.append(RoleProcess("worker", tmp_path / name, environment=environment).start())
        return started[-1]

    yield start
    for process in started:
        process.end()


class Load:
    """Contacts that come in without pause, from a task beside the test."""

    def __init__(self, cluster: EngineCluster) -> None:
        self._cluster, self.sent = cluster, []
        self._going = True
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._going:
            batch = [f"c{len(self.sent) + n}" for n in range(20)]
            await self._cluster.facts(batch, "contact.created")
            self.sent += batch
            await asyncio.sleep(0.05)

    async def finish(self) -> None:
        """End the load, wait until every contact is done, and check that each was done once."""
        self._going = False
        await self._task
        await eventually(self._all_done, "all contacts to be done")
        await self._cluster.check_each_ran_once(self.sent, steps=len(STEPS))

    async def _all_done(self) -> bool:
        return await self._cluster.count("enrollment_completed") == len(self.sent)


async def until(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> float:
    """Wait for what processes answer, off the loop; gives the seconds that it took."""
    began = time.monotonic()

    async def holds() -> bool:
        return await asyncio.to_thread(condition)

    await eventually(holds, what, seconds=seconds)
    return time.monotonic() - began


async def two_workers(worker: StartWorker) -> tuple[RoleProcess, RoleProcess]:
    a, b = worker("a"), worker("b")
    await until(lambda: len(a.owned()) == len(b.owned()) == PARTITIONS // 2, "two workers to share the partitions")
    return a, b


async def test_a_killed_workers_partitions_go_to_the_other(cluster, worker):
    a, b = await two_workers(worker)
    await cluster.publish(WORKFLOW)
    load = Load(cluster)
    await until(lambda: len(load.sent) > 200, "some load")
    b.send(signal.SIGKILL)
    took = await until(lambda: len(a.owned()) == PARTITIONS, "the other to own all partitions")
    print(f"taken over {took - SESSION_S:.2f} s after the session's time-out")
    again = worker("b")
    await until(lambda: len(again.owned()) == PARTITIONS // 2, "the killed one to come back")
    await load.finish()
    assert a.exit_code is None


async def test_a_worker_that_was_stopped_past_its_session_ends_when_it_goes_on(cluster, worker):
    a, b = await two_workers(worker)
    await cluster.publish(WORKFLOW)
    load = Load(cluster)
    await until(lambda: len(load.sent) > 200, "some load")
    b.send(signal.SIGSTOP)
    await until(lambda: len(a.owned()) == PARTITIONS, "the other to own all partitions")
    b.send(signal.SIGCONT)
    assert await asyncio.to_thread(b.wait) == 1
    assert b.said("role.crashed")
    await load.finish()
    assert a.exit_code is None


async def test_a_third_worker_gets_its_share_and_gives_it_back_at_once(cluster, worker):
    a, b = await two_workers(worker)
    await cluster.publish(WORKFLOW)
    load = Load(cluster)
    c = worker("c")
    await until(lambda: len(c.owned()) >= 2, "the third to get partitions")
    await until(lambda: a.owned() | b.owned() | c.owned() == set(range(PARTITIONS)), "all partitions to have an owner")
    stopped = await asyncio.to_thread(c.stop)
    took = await until(lambda: a.owned() | b.owned() == set(range(PARTITIONS)), "the two to own all partitions")
    print(f"stopped in {stopped:.2f} s, all partitions owned {took:.2f} s after that")
    await load.finish()
    assert a.exit_code is None
    assert b.exit_code is None


async def test_a_restarted_worker_goes_on_where_it_stopped(cluster, worker):
    a = worker("a")
    await until(lambda: len(a.owned()) == PARTITIONS, "the worker to own all partitions")
    await cluster.publish(WORKFLOW)
    load = Load(cluster)
    await until(lambda: len(load.sent) > 200, "some load")
    a.send(signal.SIGKILL)
    a.wait()
    again = worker("a")
    await until(lambda: len(again.owned()) == PARTITIONS, "the worker to own all partitions again")
    await load.finish()


class TestRefusals:
    """What a role says instead of starting."""

    def run(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "headrace", *arguments],
            env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    @pytest.mark.parametrize("role", ["worker", "projector", "api"])
    def test_roles_of_their_own_need_kafka(self, role, tmp_path):
        assert "HEADRACE_KAFKA" in self.run(role, HEADRACE_DATA_DIR=str(tmp_path))

    @pytest.mark.parametrize("role", ["projector", "api"])
    def test_the_read_side_needs_a_database(self, role, tmp_path):
        said = self.run(role, HEADRACE_KAFKA="127.0.0.1:1", HEADRACE_DATA_DIR=str(tmp_path))
        assert "HEADRACE_DATABASE_URL" in said

    def test_engine_time_is_the_brokers(self, tmp_path):
        said = self.run("worker", HEADRACE_KAFKA="127.0.0.1:1", HEADRACE_TIME_SCALE="60", HEADRACE_DATA_DIR=str(tmp_path))  # fmt: skip
        assert "HEADRACE_TIME_SCALE" in said

    def test_missing_topics_are_named_with_what_to_do(self, engine_broker, tmp_path):
        said = self.run(
            "worker", HEADRACE_KAFKA=engine_broker, HEADRACE_CONTACT_EVENTS_TOPIC="nowhere",
            HEADRACE_KAFKA_PARTITIONS="8", HEADRACE_HEALTH_PORT="0", HEADRACE_DATA_DIR=str(tmp_path),
        )  # fmt: skip
        assert "nowhere: there is no such topic: run `headrace topics create`" in said
