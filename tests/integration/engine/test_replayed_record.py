"""A record that is replayed from the dead letters is taken in, and taken in once."""

import json

import pytest

from schemas.replay import buried_record, replayed_record
from schemas.topics import DEAD_LETTERS
from tests.support.partition import Partition

COMMANDS = ["5b0b7a2e-0000-4000-8000-00000000000" + digit for digit in "12"]
CORRECTED = json.dumps({"type": "contact.tag_added", "contact_id": "ada", "data": {"tag": "vip"}}).encode()


@pytest.fixture
async def partition(tmp_path):
    one = await Partition(tmp_path).open()
    yield one
    await one.close()


async def replay(partition, command_id, value=CORRECTED):
    letter = (await partition.log.read(DEAD_LETTERS, 0, 0, limit=10))[-1]
    again = replayed_record(buried_record(letter), partition=0, value=value, command_id=command_id)
    await partition.log.append([again])
    await partition.settle()


async def results(partition):
    journal = await partition.journal("ada")
    return [(event.command_id, event.result) for event in journal if hasattr(event, "result")]


async def test_a_replay_with_a_corrected_value_is_taken_in_as_the_first_record(partition):
    await partition.raw(b"{", key=b"ada")
    await partition.settle()
    await replay(partition, COMMANDS[0])
    (accepted,) = [event for event in await partition.journal("ada") if hasattr(event, "event_type")]
    assert (accepted.event_type, accepted.event_id) == ("contact.tag_added", "contact-events/0/0")
    assert await results(partition) == [(COMMANDS[0], "accepted")]


async def test_a_record_that_is_replayed_twice_is_taken_in_once(partition):
    await partition.raw(b"{", key=b"ada")
    await partition.settle()
    for command_id in COMMANDS:
        await replay(partition, command_id)
    kinds = await partition.kinds("ada")
    assert kinds.count("contact_event_accepted") == 1
    assert await results(partition) == [(COMMANDS[0], "accepted"), (COMMANDS[1], "duplicate")]


async def test_a_replay_that_fails_again_may_be_corrected_later_and_keeps_its_identity(partition):
    await partition.raw(b"{", key=b"ada")
    await partition.settle()
    await replay(partition, COMMANDS[0], value=b"[")
    assert len(await partition.dead_letters()) == 2
    await replay(partition, COMMANDS[1])
    (accepted,) = [event for event in await partition.journal("ada") if hasattr(event, "event_type")]
    assert accepted.event_id == "contact-events/0/0"
