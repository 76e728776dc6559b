"""SIGKILL at every instant of a call, on every channel: what the next process makes of it, and whether the audit agrees."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support.client import eventually
from tests.support.crash_load import dev_with_sandbox, running_sandbox
from tests.support.dev_process import DevProcess
from tests.support.gate import Gate

CHANNELS = ("sms", "email", "http")
STEPS = {
    "sms": "{id: it, type: send_sms, config: {body: 'Hi {{first_name}}'}}",
    "email": "{id: it, type: send_email, config: {subject: Hi, body: 'Hi {{first_name}}'}}",
    "http": "{id: it, type: http_request, config: {url: '{{event.url}}', timeout: 9}, retry: {max_attempts: 20}}",
}
SETTINGS = {"HEADRACE_ANSWER_WITHIN": "12", "HEADRACE_ASK_AFTER": "0.1,0.2", "HEADRACE_HTTP_ALLOW": "127.0.0.1"}
"""Short, so that what is unknown is known to be so soon."""
CLOSED = ("completed", "failed", "exited", "cancelled")


class World:
    """One `headrace dev` that dies again and again, and the providers behind a gate."""

    def __init__(self, dev: DevProcess, providers: str) -> None:
        self.dev, self.providers = dev, providers
        self.gate: Gate

    def start(self, gate: Gate) -> None:
        """Start the engine; it reaches its providers through this gate."""
        self.gate = gate
        bases = {f"HEADRACE_{name}_BASE_URL": gate.url for name in ("TWILIO", "SENDGRID")}
        self.dev.environment |= SETTINGS | bases
        self.dev.start()

    def seen(self) -> list[dict[str, Any]]:
        """Every call that the providers saw, taken or not."""
        return requests.get(f"{self.providers}/requests.json?limit=1000", timeout=30).json()["requests"]

    def inbox(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.providers}/inbox.json?limit=1000", timeout=30).json()["messages"]

    def fault(self, **fault: Any) -> None:
        requests.post(f"{self.providers}/faults", json=fault, timeout=30).raise_for_status()

    def begin(self, instant: str, to: dict[str, str]) -> None:
        """Let a contact for each channel come to its call."""
        contact = {"first_name": instant, "phone": to["sms"], "email": to["email"]}
        for channel in CHANNELS:
            self.dev.send(f"{instant} {channel}", "contact.created", {"contact": contact})
        for channel in CHANNELS:  # at once: the first call must not run out of time before the last one is made
            event = {"type": f"go.{channel}", "data": {"url": self.gate.url + to["http"]}}
            asynchronous = {"Prefer": "respond-async"}
            self.dev.post(f"/contacts/{instant} {channel}/events", event, expect=202, headers=asynchronous)


def before_the_call(world: World) -> None:
    """No connection is made yet."""
    eventually(lambda: world.gate.knocking == len(CHANNELS), "the calls to wait for their connections")
    assert not world.seen()
    world.dev.kill()


def during_the_call(world: World) -> None:
    """The provider has the request, and has not taken it."""

    def hung() -> bool:
        return sum(call["fault"] == "hang" for call in world.seen()) == len(CHANNELS)

    eventually(hung, "the providers to have the requests")
    world.dev.kill()


def after_it_was_taken(world: World) -> None:
    """The provider took it and answers, and nothing of the answer arrives."""
    eventually(lambda: world.gate.held == len(CHANNELS), "the providers to answer")
    world.dev.kill()


def before_its_outcome_is_journaled(world: World) -> None:
    """The answer arrived, and that is all: the process stands still from before it until it is killed."""
    eventually(lambda: world.gate.held == len(CHANNELS), "the providers to answer")
    os.kill(world.dev.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, world.dev.pid, os.WSTOPPED | os.WNOWAIT)
    world.gate.let_answers_out()
    world.dev.kill()


INSTANTS: dict[Callable[[World], None], dict[str, bool]] = {
    before_the_call: {"shut": True},
    during_the_call: {},
    after_it_was_taken: {"holds": True},
    before_its_outcome_is_journaled: {"holds": True},
}
"""Each instant, and what its gate does."""
ASKED = ("failed", "unknown", 1, 0)
SENT = ("completed", "succeeded", 1, 1)
"""The enrollment's status, its intent's outcome, its attempts, and how many messages the provider has."""
WANTED = {
    "before_the_call": ASKED,
    "during_the_call": ASKED,
    "after_it_was_taken": SENT,
    "before_its_outcome_is_journaled": SENT,
}
"""A message is never sent twice: it is found, or a person is asked."""


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running_sandbox() as providers:
        dev = dev_with_sandbox(tmp_path / "data", providers)
        yield World(dev, providers)
        dev.end()


@pytest.fixture
def gate() -> Iterator[Callable[..., Gate]]:
    made: list[Gate] = []

    def make(*given: Any, **how: bool) -> Gate:
        made.append(Gate(*given, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.timeout(300)
def test_what_became_of_a_call_whose_process_was_killed(world, gate):
    for number, (instant, how) in enumerate(INSTANTS.items()):
        name = instant.__name__
        to = {"sms": f"+1555010000{number}", "email": f"{name}@example.org", "http": f"/http/{name}"}
        world.start(gate(world.providers, **how))
        if number == 0:
            publish(world.dev)
        if instant is during_the_call:
            for address in to.values():
                world.fault(kind="hang", to=address, times=1)
        world.begin(name, to)
        instant(world)
        world.gate.open()
    world.start(gate(world.providers))

    eventually(lambda: all_at_rest(world.dev), "all enrollments to come to rest", seconds=90)
    messages, requests_ = what_came_of_it(world)
    assert messages == {instant: {"sms": wanted, "email": wanted} for instant, wanted in WANTED.items()}
    for instant, (status, outcome, attempts, taken) in requests_.items():  # repeated, under its own key
        assert (status, outcome) == ("completed", "succeeded"), instant
        assert attempts > 1, instant
        assert taken >= (2 if WANTED[instant] == SENT else 1), instant

    code, audited = audit(world.dev)
    findings = {(one["contact_id"], one["kind"]) for one in audited["findings"]}
    asked = [instant for instant, wanted in WANTED.items() if wanted == ASKED]
    assert findings == {(f"{instant} {channel}", "unknown") for instant in asked for channel in ("sms", "email")}
    assert (code, audited["not_asked"]) == (1, {})


def publish(dev: DevProcess) -> None:
    for channel, step in STEPS.items():
        trigger = f"{{type: event, config: {{name: go.{channel}}}}}"
        dev.publish(f"name: {channel}\ntrigger: {trigger}\nsteps:\n  - {step}\n")


def enrollments(dev: DevProcess) -> list[dict[str, Any]]:
    workflows = dev.get("/workflows")["items"]
    return [one for flow in workflows for one in dev.get(f"/workflows/{flow['id']}/enrollments")["items"]]


def all_at_rest(dev: DevProcess) -> bool:
    found = enrollments(dev)
    return len(found) == len(CHANNELS) * len(INSTANTS) and all(one["status"] in CLOSED for one in found)


Came = tuple[str, str, int, int]


def what_came_of_it(world: World) -> tuple[dict[str, dict[str, Came]], dict[str, Came]]:
    """By instant: of messages, by their channel, and of requests."""
    taken = Counter(message["action_key"] for message in world.inbox())
    ledger = {row["enrollment_id"]: row for row in world.dev.get("/ledger?limit=100")["items"]}
    messages: dict[str, dict[str, Came]] = {name: {} for name in WANTED}
    requests_: dict[str, Came] = {}
    for one in enrollments(world.dev):
        instant, _, channel = one["contact_id"].partition(" ")
        row = ledger[one["id"]]
        came = (one["status"], row["outcome"], row["attempts"], taken.pop(row["action_key"], 0))
        if channel == "http":
            requests_[instant] = came
        else:
            messages[instant][channel] = came
    assert not taken, "a message of no intent"
    assert requests_.keys() == WANTED.keys()
    return messages, requests_


def audit(dev: DevProcess) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "headrace", "audit", "--json", "--url", dev.url]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return ran.returncode, json.loads(ran.stdout)
