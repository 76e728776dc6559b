"""A provider that is down for ten minutes: a thousand messages wait, and every one goes out once, paced, afterwards."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import requests

from tests.support.crash_load import pages
from tests.support.dev_process import DevProcess, eventually

SENDS = int(os.environ.get("HEADRACE_OUTAGE_SENDS", "1000"))
OUTAGE_S = 600
"""Of engine time."""
SCALE = 120
PER_SECOND = 250
DEFINITION = """
name: Outage
trigger: {type: contact_created}
steps:
  - {id: hi, type: send_sms, config: {body: 'Hi {{first_name}}'}}
"""


@pytest.fixture
def dev(tmp_path):
    environment = {"HEADRACE_DRAIN_PER_SECOND": str(PER_SECOND), "HEADRACE_FSYNC": "false"}
    options = ("--no-sample", "--log-level", "warning", "--time-scale", str(SCALE))
    process = DevProcess(tmp_path / "data", *options, environment=environment)
    yield process.start()
    process.end()


def arm(dev, **fault):
    assert requests.post(f"{dev.sandbox}/faults", json={"channel": "sms", **fault}, timeout=30).status_code == 201


def inbox(dev):
    return requests.get(f"{dev.sandbox}/inbox.json", timeout=60).json()["messages"]


def everybody_arrives(dev):
    def one(numbers):
        with requests.Session() as session:
            for n in numbers:
                contact = {"first_name": f"N{n}", "phone": f"+1555{n:07}"}
                body = {"id": f"e{n}", "source": "load", "type": "contact.created", "data": {"contact": contact}}
                url = f"{dev.url}/api/v1/contacts/n{n}/events"
                answer = session.post(url, json=body, headers={"Prefer": "respond-async"}, timeout=60)
                assert answer.status_code in (200, 202), answer.text

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one, [range(start, SENDS, 4) for start in range(4)]))


def busiest_second(messages):
    """The most messages that the provider got within one second."""
    times = sorted(datetime.fromisoformat(message["at"]).timestamp() for message in messages)
    return max(sum(1 for at in times[i:] if at < first + 1) for i, first in enumerate(times))


@pytest.mark.timeout(240)
def test_none_is_lost_none_is_doubled_the_backlog_is_paced_and_there_is_one_incident(dev):
    workflow = dev.publish(DEFINITION)
    arm(dev, kind="reset_after_accept", times=3)  # taken, and nobody knows
    arm(dev, kind="status", status=503)
    began = time.monotonic()
    everybody_arrives(dev)
    eventually(lambda: pages(dev, "/incidents"), "the outage to be told of", seconds=60)
    eventually(lambda: time.monotonic() - began > OUTAGE_S / SCALE, "ten minutes to pass", seconds=60)
    (incident,) = pages(dev, "/incidents")
    assert (incident["code"], incident["status"]) == ("channel_paused", "open")
    assert len(inbox(dev)) == 3
    metrics = requests.get(f"{dev.url}/metrics", timeout=30).text
    assert 'headrace_breaker_open{channel="sms"} 1.0' in metrics

    assert requests.delete(f"{dev.sandbox}/faults", timeout=30).status_code == 204
    done = lambda: dev.get(f"/workflows/{workflow['id']}/stats")["enrollments"]["completed"] == SENDS  # noqa: E731
    eventually(done, "everything to be sent", seconds=120)
    messages = inbox(dev)
    assert set(Counter(message["action_key"] for message in messages).values()) == {1}
    assert len(messages) == SENDS
    ledger = pages(dev, "/ledger")
    assert {row["provider_id"] for row in ledger} == {message["provider_id"] for message in messages}
    assert Counter(row["outcome"] for row in ledger) == {"succeeded": SENDS}
    assert busiest_second(messages[3:]) <= 2 * PER_SECOND  # what a bucket of one second's worth lets through
    eventually(lambda: pages(dev, "/incidents")[0]["status"] == "resolved", "the incident to close itself", seconds=30)
    assert [incident["code"] for incident in pages(dev, "/incidents")] == ["channel_paused"]
