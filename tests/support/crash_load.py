"""Load while the engine is being killed, and the checker that counts afterwards: nothing lost, nothing sent twice."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from tests.support.dev_process import DevProcess

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


@contextlib.contextmanager
def running_sandbox() -> Iterator[str]:
    """The provider outlives the engine: a process of its own. Gives its URL."""
    command = [sys.executable, "-m", "headrace.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline()).group(0)
        finally:
            process.terminate()
            process.wait(timeout=20)


def dev_with_sandbox(directory: Path, sandbox: str) -> DevProcess:
    """A `headrace dev` whose providers are that sandbox."""
    environment = {
        "HEADRACE_ASK_AFTER": "0.2,1",
        "HEADRACE_ANSWER_WITHIN": "10",
        "HEADRACE_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "HEADRACE_TWILIO_AUTH_TOKEN": "token",
        "HEADRACE_TWILIO_FROM": "+15005550006",
        "HEADRACE_TWILIO_BASE_URL": sandbox,
        "HEADRACE_SENDGRID_API_KEY": "key",
        "HEADRACE_SENDGRID_FROM": "crash@example.com",
        "HEADRACE_SENDGRID_BASE_URL": sandbox,
    }
    return DevProcess(directory, "--no-sample", "--log-level", "warning", environment=environment)


class Load(threading.Thread):
    """Posts contacts one after the other, each again and again with the same ids until it is acknowledged.

    It ends after `contacts` of them, or when `finish` is called.
    """

    def __init__(self, dev: DevProcess, *, contacts: int | None = None, pause_s: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.dev, self.contacts, self.pause_s = dev, contacts, pause_s
        self.acknowledged: list[str] = []
        self.repeats = 0
        self._stopping, self._given_up = threading.Event(), threading.Event()

    def run(self) -> None:
        with requests.Session() as session:
            n = 0
            while (self.contacts is None or n < self.contacts) and not self._stopping.is_set():
                contact = {"first_name": f"N{n}", "phone": f"+1555{n:07}", "email": f"n{n}@example.com"}
                body = {"id": f"event-{n}", "source": "load", "type": "contact.created", "data": {"contact": contact}}
                while not self._post(session, f"n{n}", body):
                    self.repeats += 1
                    if self._given_up.wait(0.05):
                        return
                self.acknowledged.append(f"n{n}")
                n += 1
                self._stopping.wait(self.pause_s)

    def finish(self, *, seconds: float = 30) -> list[str]:
        """Begin no other contact, and wait until the last one is acknowledged; gives the ids of all that were."""
        self._stopping.set()
        self.join(timeout=seconds)
        self._given_up.set()
        assert not self.is_alive(), f"a contact was not acknowledged within {seconds:g} s"
        return self.acknowledged

    def _post(self, session: requests.Session, contact_id: str, body: dict[str, Any]) -> bool:
        try:
            answer = session.post(f"{self.dev.url}/api/v1/contacts/{contact_id}/events", json=body, timeout=10)
        except requests.RequestException:
            return False
        assert answer.status_code in (200, 202, 503), answer.text
        return answer.status_code != 503


def pages(dev: DevProcess, path: str) -> list[dict[str, Any]]:
    """All items of a listing."""
    items, cursor = [], None
    while True:
        page = dev.get(path, params={"limit": 500} | ({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items


def all_at_rest(dev: DevProcess, workflow_id: str, contacts: int) -> list[dict[str, Any]] | None:
    """The enrollments, when all have ended or stopped at an incident that says that an outcome is unknown."""
    stats = dev.get(f"/workflows/{workflow_id}/stats")["enrollments"]
    if stats["completed"] + stats["failed"] < contacts:
        return None
    return pages(dev, f"/workflows/{workflow_id}/enrollments")


class Count:
    """What the checker found, when it found nothing wrong."""

    def __init__(self, messages: int, unknown: int) -> None:
        self.messages, self.unknown = messages, unknown


def check(dev: DevProcess, sandbox: str, enrollments: list[dict[str, Any]], contact_ids: list[str]) -> Count:
    """Count what the providers saw against what the journal says; an AssertionError says what does not add up."""
    assert Counter(item["contact_id"] for item in enrollments) == Counter(contact_ids), "not one enrollment a contact"
    unknown = {i["enrollment_id"]: i["step_id"] for i in pages(dev, "/incidents") if i["code"] == "outcome_unknown"}
    failed = {item["id"] for item in enrollments if item["status"] == "failed"}
    assert failed == set(unknown), "not every failure is an unknown outcome"
    seen = Counter(m["action_key"] for m in requests.get(f"{sandbox}/inbox.json", timeout=60).json()["messages"])
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
        assert len(facts) == 1, f"{item['contact_id']} was taken in {len(facts)} times"
        if item["status"] == "completed":
            tags = dev.get(f"/contacts/{item['contact_id']}")["tags"]
            assert tags == ["marked"], f"{item['contact_id']} has the tags {tags}"
    return Count(len(seen), len(unknown))
