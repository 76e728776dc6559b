"""Kafka for tests: which broker they get, and the fixtures that give it. Import the fixtures where they are used.

The order: HEADRACE_TEST_KAFKA (bootstrap servers), Docker, Java with Maven's jars. With none of them the tests are
skipped, loudly; in CI (CI=true or HEADRACE_TEST_STRICT=1) they fail instead.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.kafka_broker import JavaBroker, docker_answers
from tests.support.kafka_jars import fetch_jars, locked, what_is_missing

ROOT = Path(__file__).parents[2]
STARTED_WITHIN_S = 100


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Bootstrap servers of a broker that all test processes share: give topics and groups names of your own."""
    given = os.environ.get("HEADRACE_TEST_KAFKA")
    return given or shared_broker(tmp_path_factory)


@pytest.fixture
def prefix() -> str:
    """What a test's topics, groups and transactional ids begin with, so that no other test meets them."""
    return f"t{secrets.token_hex(5)}."


@pytest.fixture
def new_broker(tmp_path: Path) -> Iterator[Callable[..., JavaBroker]]:
    """Makes brokers for this test alone, which it may stop, kill and start again; arguments as `JavaBroker`."""
    missing = what_is_missing()
    if missing is not None:
        give_up(missing)
    fetch_jars()
    made: list[JavaBroker] = []

    def make(**arguments: dict[str, str]) -> JavaBroker:
        made.append(JavaBroker(tmp_path / f"broker-{len(made)}", **arguments))
        made[-1].start()
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The session's broker; whoever asks first starts it, and it ends with the session's main process."""
    in_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    directory = (base.parent if in_worker else base) / "kafka"
    with locked(directory.with_suffix(".lock")):
        if not (directory / "broker.json").exists():
            start_keeper(directory, watched=os.getppid() if in_worker else os.getpid())
    return str(json.loads((directory / "broker.json").read_text())["bootstrap"])


def start_keeper(directory: Path, *, watched: int) -> None:
    kind = "docker" if docker_answers() else "java"
    missing = what_is_missing() if kind == "java" else None
    if missing is not None:
        give_up(missing)
    if kind == "java":
        fetch_jars()
    directory.mkdir()
    command = [sys.executable, "-m", "tests.support.kafka_broker", str(directory), kind, str(watched)]
    output = directory.with_suffix(".log")
    with output.open("wb") as log:
        keeper = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not (directory / "broker.json").exists():
        assert keeper.poll() is None, f"the broker could not be started:\n{output.read_text()}"
        assert time.monotonic() < deadline, f"no broker within {STARTED_WITHIN_S} s; see {output}"
        time.sleep(0.05)


def give_up(missing: str) -> NoReturn:
    message = f"NOT TESTED ON KAFKA: HEADRACE_TEST_KAFKA is not set, no Docker daemon answers, and {missing}"
    if os.environ.get("CI") == "true" or os.environ.get("HEADRACE_TEST_STRICT") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
