"""SIGKILL at random points under load: a checker counts that nothing is lost and nothing is sent twice."""

import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import requests

from tests.support.dev_process import DevProcess, eventually

CONTACTS = 240
KILLS = 6
SEED = 20_261_123
DEFINITION = """
name: Crash
trigger: {type: contact_created}
steps:
  - {id: hi, type: send_sms, config: {body: 'Hi {{first_name}}'}}
  - {id: pause, type: delay, config: {duration: 1, unit: seconds}}
  - {id: mark, type: add_tag, config: {tag: marked}}
  - {id: bye, type: send_email, config: {subject: Bye, body: 'Bye {{first_name}}'}}
"""
SENDS = {"hi": "sms", "bye": "email"}


@pytest.fixture
def sandbox(tmp_path):
    """The provider outlives the engine: a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace.sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    yield re.search(r"http://\S+", process.stdout.readline()).group(0)
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def dev(tmp_path, sandbox):
    environment = {
        "HEADRACE_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "HEADRACE_TWILIO_AUTH_TOKEN": "token",
        "HEADRACE_TWILIO_FROM": "+15005550006",
        "HEADRACE_TWILIO_BASE_URL": sandbox,
        "HEADRACE_SENDGRID_API_KEY": "key",
        "HEADRACE_SENDGRID_FROM": "crash@example.com",
        "HEADRACE_SENDGRID_BASE_URL": sandbox,
    }
    process = DevProcess(tmp_path / "data", "--no-sample", "--log-level", "warning", environment=environment)
    yield process
    process.end()


class Load(threading.Thread):
    """Posts contacts one after the other, each again and again with the same ids until it is acknowledged."""

    def __init__(self, dev: DevProcess) -> None:
        super().__init__(daemon=True)
        self.dev, self.acknowledged, self.repeats = dev, [], 0
        self.stopping = threading.Event()

    def run(self) -> None:
        with requests.Session() as session:
            for n in range(CONTACTS):
                contact = {"first_name": f"N{n}", "phone": f"+1555{n:07}", "email": f"n{n}@example.com"}
                body = {"id": f"event-{n}", "source": "load", "type": "contact.created", "data": {"contact": contact}}
                while not self.stopping.is_set() and not self._post(session, f"n{n}", body):
                    self.repeats += 1
                    time.sleep(0.05)
                self.acknowledged.append(f"n{n}")

    def _post(self, session: requests.Session, contact_id: str, body: dict) -> bool:
        try:
            answer = session.post(f"{self.dev.url}/api/v1/contacts/{contact_id}/events", json=body, timeout=10)
        except requests.RequestException:
            return False
        assert answer.status_code in (200, 202, 503), answer.text
        return answer.status_code != 503


@pytest.mark.timeout(420)
def test_nothing_is_lost_and_nothing_is_sent_twice(dev, sandbox):
    chance = random.Random(SEED)
    dev.start()
    workflow = dev.publish(DEFINITION)
    load = Load(dev)
    load.start()
    try:
        for _ in range(KILLS):
            time.sleep(0.3 + 1.2 * chance.random())
            dev.kill()
            dev.start()
        load.join(timeout=120)
    finally:
        load.stopping.set()
    assert len(load.acknowledged) == CONTACTS
    ended = eventually(lambda: all_at_rest(dev, workflow["id"]), "all enrollments to come to rest", seconds=150)
    check(dev, sandbox, ended)


def pages(dev: DevProcess, path: str) -> list[dict]:
    items, cursor = [], None
    while True:
        page = dev.get(path, params={"limit": 500} | ({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items


def all_at_rest(dev: DevProcess, workflow_id: str) -> list[dict] | None:
    """Ended, or stopped at an incident that says that an outcome is unknown."""
    items = pages(dev, f"/workflows/{workflow_id}/enrollments")
    at_rest = [item for item in items if item["status"] in ("completed", "failed")]
    return items if len(at_rest) == CONTACTS else None


def check(dev: DevProcess, sandbox: str, enrollments: list[dict]) -> None:
    """Count what the providers saw against what the journal says."""
    assert Counter(item["contact_id"] for item in enrollments) == Counter(f"n{n}" for n in range(CONTACTS))
    unknown = {i["enrollment_id"]: i["step_id"] for i in pages(dev, "/incidents") if i["code"] == "outcome_unknown"}
    assert {item["id"] for item in enrollments if item["status"] == "failed"} == set(unknown)
    seen = Counter(m["action_key"] for m in requests.get(f"{sandbox}/inbox.json", timeout=30).json()["messages"])
    assert [key for key, count in seen.items() if count > 1] == [], "a message was sent twice"
    expected = set()
    for item in enrollments:
        done = [
            e["step_id"] for e in dev.executions(item["id"]) if e["status"] == "completed" and e["step_id"] in SENDS
        ]
        expected |= {f"{item['id']}/{step}/1" for step in done}
    maybe = {f"{enrollment}/{step}/1" for enrollment, step in unknown.items()}
    assert expected <= set(seen) <= expected | maybe, "the inbox is not what the journal says"
    for item in enrollments:
        facts = [
            e for e in pages(dev, f"/contacts/{item['contact_id']}/timeline") if e["type"] == "contact_event_accepted"
        ]
        assert len(facts) == 1
        if item["status"] == "completed":
            assert dev.get(f"/contacts/{item['contact_id']}")["tags"] == ["marked"]
    print(f"{CONTACTS} contacts, {KILLS} kills, {len(seen)} messages, {len(unknown)} unknown, {dev.starts} starts")
