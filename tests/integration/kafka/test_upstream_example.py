"""The example of an upstream service, run as anybody would run it, drives the user's own workflow on a real broker."""

import asyncio
import os
import sys
from datetime import datetime
from pathlib import Path

import pytest

from domain.partition import home_partition
from schemas.contact_event import read_contact_event
from schemas.definition import parse
from schemas.topics import CONTACT_EVENTS
from tests.support.engine_cluster import PARTITIONS, eventually
from tests.support.kafka_engine import Engine

pytestmark = pytest.mark.timeout(180)

EXAMPLES = Path(__file__).parents[3] / "examples"


async def run(*arguments, **environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / "upstream_service.py",
        *arguments,
        env=os.environ | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    return process.returncode, said.decode()


@pytest.fixture
def welcome():
    """The user's YAML example, its days shortened: to longer than a reply takes, on a busy machine too."""
    text = (EXAMPLES / "new-lead-welcome.yaml").read_text(encoding="utf-8")
    assert text.count("unit: days") == 2
    text = text.replace("duration: 1", "duration: 12").replace("unit: days", "unit: seconds")
    return parse(text.encode(), filename="new-lead-welcome.yaml").document


@pytest.fixture
async def engine(cluster, tmp_path):
    engine = await Engine(cluster, tmp_path / "engine").start()
    yield engine
    await engine.stop()


async def branch(cluster, contact_id):
    """Where the workflow's condition led this contact, once it did."""
    events = await cluster.journal(home_partition(contact_id, PARTITIONS))
    found = [e for e in events if e.contact_id == contact_id and getattr(e, "step_id", None) == "check_reply"]
    return next((event.branch for event in found if hasattr(event, "branch")), None)


async def test_it_drives_the_users_workflow_to_both_of_its_branches(cluster, engine, welcome):
    bootstrap = cluster.settings.bootstrap
    await cluster.publish(welcome)
    assert await run(bootstrap, "ada") == (0, "")
    assert await run(bootstrap, "ada", "Yes please") == (0, "")
    assert await run(bootstrap, "bob") == (0, "")
    assert await eventually(lambda: branch(cluster, "ada"), "Ada to be asked for") == "true"
    assert await eventually(lambda: branch(cluster, "bob"), "Bob to be asked for") == "false"
    await eventually(lambda: {"ada", "bob"} <= set(engine.calls.keys), "the welcome messages")
    assert engine.crashes == []


async def test_its_events_are_read_as_they_are_meant_and_stand_at_their_contacts_home(cluster):
    contacts = [f"contact-{number}" for number in range(4)]
    for contact_id in contacts:
        assert await run(cluster.settings.bootstrap, contact_id) == (0, "")
    assert await run(cluster.settings.bootstrap, contacts[0], "Hé") == (0, "")
    found = {}
    for partition in range(PARTITIONS):
        for record in await cluster.records(CONTACT_EVENTS, partition):
            event = read_contact_event(
                topic=record.topic, partition=partition, offset=record.offset, key=record.key, value=record.value
            )
            assert home_partition(event.contact_id, PARTITIONS) == partition
            assert datetime.fromisoformat(event.time).utcoffset() is not None
            found.setdefault(event.contact_id, []).append((event.type, event.data))
    assert set(found) == set(contacts)
    assert [kind for kind, _ in found[contacts[0]]] == ["contact.created", "contact.sms_received"]
    assert found[contacts[0]][0][1]["contact"]["source"] == "facebook_ad"
    assert found[contacts[0]][1][1] == {"body": "Hé"}


async def test_an_event_that_cannot_be_written_is_a_failure(cluster):
    code, said = await run(cluster.settings.bootstrap, "ada", HEADRACE_CONTACT_EVENTS_TOPIC="no topic of this name")
    assert code == 1
    assert "the event did not reach Kafka" in said
