"""DESIGN 5.1 as the CRM's services see it: records in the log itself, readable and not, old ones and echoes."""

import json

import pytest

from domain.partition import home_partition
from schemas.event_log import NewRecord
from streams.embedded.log import EmbeddedEventLog
from tests.support.dev_process import DevProcess, eventually
from tests.support.headrace import Headrace, step

TOPIC, PARTITIONS = "contact-events", 4
TAGGED = {"type": "tag_added", "config": {"tag": "raw"}}


async def write(directory, *records):
    """Append records as another program would, while the engine does not run."""
    import time

    log = await EmbeddedEventLog.open(directory / "log", clock=lambda: int(time.time() * 1000))
    try:
        await log.create_topic(TOPIC, PARTITIONS)
        await log.append(records)
    finally:
        await log.close()


def record(contact_id, value, *, key=True, **headers):
    return NewRecord(
        topic=TOPIC,
        partition=home_partition(contact_id, PARTITIONS),
        key=contact_id.encode() if key else None,
        value=value if isinstance(value, bytes) else json.dumps(value).encode(),
        headers=tuple((name.replace("__", "-"), text.encode()) for name, text in headers.items()),
    )


def structured(contact_id, type, data, **attributes):
    event = {"specversion": "1.0", "id": "e1", "source": "crm", "subject": contact_id, "type": type, "data": data}
    return record(contact_id, event | attributes, content__type="application/cloudevents+json", key=False)


def binary(contact_id, type, data, **attributes):
    named = {"specversion": "1.0", "id": "e1", "source": "crm", "type": type} | attributes
    headers = {f"ce_{name}": text for name, text in named.items()}
    return record(contact_id, data, **headers, content__type="application/json")


@pytest.fixture
def dev(tmp_path):
    process = DevProcess(tmp_path / "data", "--no-sample", "--log-level", "warning")
    yield process
    process.end()


async def test_records_of_the_crm_are_read_and_unreadable_ones_become_dead_letters(dev):
    headrace = Headrace(dev.start())
    workflow = headrace.workflow(step("mark", "add_tag", tag="marked"), trigger=TAGGED)
    headrace.send("echoed", "contact.tag_added", {"tag": "raw"})
    causation = next(f"echoed/{one['seq']}" for one in headrace.timeline("echoed") if one["type"] == "contact_changed")
    headrace.send("echoed", "contact.tag_removed", {"tag": "marked"})
    assert dev.stop() == 0

    await write(
        dev.directory,
        structured("structured", "contact.tag_added", {"tag": "raw"}),
        binary("binary", "contact.tag_added", {"tag": "raw"}),
        record("bare", {"type": "contact.tag_added", "contact_id": "bare", "data": {"tag": "raw"}}),
        record("keyed", {"type": "contact.tag_added", "data": {"tag": "raw"}}),
        structured("structured", "contact.tag_added", {"tag": "again"}),  # same source and id
        binary("echoed", "contact.tag_added", {"tag": "marked"}, id="echo", causationid=causation, hops="1"),
        record("garbage", b"\x00\xffnot json"),
        record("garbage", {"type": "contact.tag_added", "contact_id": "garbage", "data": {"tag": 5}}),
        record("garbage", {"type": "contact.tag_added", "contact_id": "x" * 129, "data": {"tag": "raw"}}),
        record("garbage", b"", key=False),
        record("last", {"type": "contact.tag_added", "contact_id": "last", "data": {"tag": "raw"}}),
    )
    headrace = Headrace(dev.start())

    marked = {"structured", "binary", "bare", "keyed", "last"}
    eventually(
        lambda: {one["contact_id"] for one in headrace.enrollments(workflow)} == marked | {"echoed"},
        "the contacts of the readable records",
    )
    for contact_id in marked:
        assert headrace.get(f"/contacts/{contact_id}")["tags"] == ["raw", "marked"], contact_id
    assert headrace.get("/contacts/echoed")["tags"] == ["raw"], "a late echo undoes nothing newer"
    echo = next(o for o in headrace.timeline("echoed") if o["data"].get("event_id") == "echo")
    assert echo["type"] == "contact_event_accepted", "it is recorded"

    letters = eventually(
        lambda: (found := headrace.get("/dead-letters")["items"]) and len(found) == 4 and found, "the dead letters"
    )
    assert sorted(one["reason"] for one in letters) == ["bad_contact_id", "bad_data", "not_json", "not_json"]
    garbage = next(one for one in letters if one["value"] is None)
    assert garbage["topic"] == TOPIC
    assert garbage["partition"] == home_partition("garbage", PARTITIONS)
    assert isinstance(garbage["offset"], int)
    import base64

    assert base64.b64decode(garbage["value_base64"]) == b"\x00\xffnot json"


async def test_on_the_very_first_start_older_input_builds_contacts_and_fires_nothing(dev):
    old = {"type": "contact.created", "contact_id": "old", "data": {"contact": {"first_name": "Old", "phone": "+1555"}}}
    dev.directory.mkdir(parents=True)
    await write(dev.directory, record("old", old), record("old", {"type": "order.paid", "contact_id": "old"}))
    headrace = Headrace(dev.start())
    eventually(lambda: headrace.get("/contacts/old", expect=(200, 404)).get("first_name") == "Old", "the contact")
    workflow = headrace.workflow(
        step("t", "add_tag", tag="t"),
        triggers=[{"type": "contact_created"}, {"type": "event", "config": {"name": "order.paid"}}],
    )
    assert headrace.enrollments(workflow) == []
    headrace.send("old", "order.paid", {})
    assert len(headrace.enrollments(workflow)) == 1
