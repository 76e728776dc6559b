"""SIGKILL at random points under load: a checker counts that nothing is lost and nothing is sent twice."""

import random
import time

import pytest

from tests.support.crash_load import DEFINITION, Load, all_at_rest, check, dev_with_sandbox, running_sandbox
from tests.support.dev_process import eventually

CONTACTS = 240
KILLS = 6
SEED = 20_261_123


@pytest.fixture
def sandbox():
    with running_sandbox() as url:
        yield url


@pytest.fixture
def dev(tmp_path, sandbox):
    process = dev_with_sandbox(tmp_path / "data", sandbox)
    yield process
    process.end()


@pytest.mark.timeout(420)
def test_nothing_is_lost_and_nothing_is_sent_twice(dev, sandbox):
    chance = random.Random(SEED)
    dev.start()
    workflow = dev.publish(DEFINITION)
    load = Load(dev, contacts=CONTACTS)
    load.start()
    try:
        for _ in range(KILLS):
            time.sleep(0.3 + 1.2 * chance.random())
            dev.kill()
            dev.start()
        load.join(timeout=120)
    finally:
        acknowledged = load.finish()
    assert len(acknowledged) == CONTACTS
    ended = eventually(
        lambda: all_at_rest(dev, workflow["id"], CONTACTS), "all enrollments to come to rest", seconds=150
    )
    found = check(dev, sandbox, ended, acknowledged)
    print(
        f"{CONTACTS} contacts, {KILLS} kills, {found.messages} messages, {found.unknown} unknown, {dev.starts} starts"
    )
