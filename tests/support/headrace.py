"""A running `headrace dev` as other systems see it: by its HTTP API and the sandbox's inbox; words for what tests do often."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from typing import Any

import requests

from tests.support.dev_process import DevProcess, eventually

SECRETS = {
    "HEADRACE_SECRET_TOKEN": "a-token-that-nobody-else-has",
    "HEADRACE_SECRET_SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
"""Of the instance whose `http_request` may reach this machine."""
OPEN = ("active", "paused", "failed")
_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name that no other test of this process uses."""
    return f"{name}-{next(_numbers)}"


def at(text: str) -> datetime:
    """The time that an answer names; it must be RFC 3339 in UTC."""
    moment = datetime.fromisoformat(text)
    assert moment.utcoffset() is not None, text
    assert moment.utcoffset().total_seconds() == 0, text
    return moment


class Headrace:
    """The API's client. Every workflow of `workflow` is started by an event of its own, so that tests don't meet."""

    def __init__(self, process: DevProcess) -> None:
        self.process = process
        self.url, self.sandbox = process.url, process.sandbox
        self.get, self.post, self.call, self.send = process.get, process.post, process.call, process.send

    # ------------------------------------------------------------ definitions

    def workflow(self, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Publish these steps as a workflow; without a `trigger` it is started by hand."""
        document = {"name": fresh("workflow"), "steps": list(steps), **more}
        if "triggers" not in document:
            document.setdefault("trigger", {"type": "manual"})
        return self.publish(document)

    def publish(self, document: dict[str, Any]) -> dict[str, Any]:
        made = self.call("POST", "/api/v1/workflows?publish=true", json=document, expect=201)
        assert made["status"] == "active", made
        return made

    def draft(self, document: dict[str, Any] | str | bytes, *, expect: int = 201) -> dict[str, Any]:
        return self.upload("/workflows", document, expect=expect)

    def upload(self, path: str, document: dict[str, Any] | str | bytes, *, expect: Any = 201) -> dict[str, Any]:
        """A dict goes as JSON, a text as YAML."""
        if isinstance(document, dict):
            return self.call("POST", f"/api/v1{path}", json=document, expect=expect)
        data = document.encode() if isinstance(document, str) else document
        return self.call(
            "POST", f"/api/v1{path}", data=data, headers={"content-type": "application/yaml"}, expect=expect
        )

    # ------------------------------------------------------------ contacts and enrollments

    def contact(self, **known: Any) -> str:
        """A contact with a phone and an e-mail address."""
        contact_id = fresh("contact")
        given = {"first_name": "Ada", "phone": "+15550001111", "email": "ada@example.com"} | known
        self.send(contact_id, "contact.created", {"contact": given})
        return contact_id

    def enrol(self, workflow: dict[str, Any], contact_id: str) -> dict[str, Any]:
        return self.post(f"/workflows/{workflow['id']}/enrollments", {"contact_id": contact_id}, expect=201)

    def run(self, workflow: dict[str, Any], contact_id: str | None = None, status: str = "completed") -> dict[str, Any]:
        """Enrol a contact by hand and wait for the enrollment's status."""
        made = self.enrol(workflow, contact_id or self.contact())
        return self.until(made["id"], status)

    def until(self, enrollment_id: str, status: str) -> dict[str, Any]:
        def reached() -> Any:
            now = self.get(f"/enrollments/{enrollment_id}")
            return now if now["status"] == status else None

        return eventually(reached, f"enrollment {enrollment_id} to be {status}")

    def enrollments(self, workflow: dict[str, Any], contact_id: str | None = None) -> list[dict[str, Any]]:
        items = self.get(f"/workflows/{workflow['id']}/enrollments?limit=500")["items"]
        return [one for one in items if contact_id in (None, one["contact_id"])]

    def executions(self, enrollment: dict[str, Any]) -> list[dict[str, Any]]:
        return self.get(f"/enrollments/{enrollment['id']}/executions?limit=500")["items"]

    def incident(self, enrollment: dict[str, Any]) -> dict[str, Any]:
        """The one incident that an enrollment had."""
        items = self.get("/incidents?limit=500")["items"]
        (one,) = [one for one in items if one["enrollment_id"] == enrollment["id"]]
        return one

    def path(self, enrollment: dict[str, Any]) -> list[str]:
        return [one["step_id"] for one in self.executions(enrollment)]

    def execution(self, enrollment: dict[str, Any], step_id: str) -> dict[str, Any]:
        (one,) = [one for one in self.executions(enrollment) if one["step_id"] == step_id]
        return one

    def step(self, enrollment: dict[str, Any], step_id: str, status: str) -> dict[str, Any]:
        """Wait until the newest visit of a step has this status."""

        def reached() -> Any:
            found = [one for one in self.executions(enrollment) if one["step_id"] == step_id]
            return found[-1] if found and found[-1]["status"] == status else None

        return eventually(reached, f"step {step_id} to be {status}")

    def timeline(self, contact_id: str) -> list[dict[str, Any]]:
        return self.get(f"/contacts/{contact_id}/timeline?limit=500")["items"]

    # ------------------------------------------------------------ the sandbox

    def messages(self, enrollment: dict[str, Any]) -> list[dict[str, Any]]:
        """What the inbox has of one enrollment."""
        inbox = requests.get(f"{self.sandbox}/inbox.json", params={"limit": 1000}, timeout=30).json()["messages"]
        return [one for one in inbox if one["action_key"] and one["action_key"].startswith(enrollment["id"])]

    def requests(self, enrollment: dict[str, Any]) -> list[dict[str, Any]]:
        """Every call of one enrollment that the sandbox saw, taken or not."""
        seen = requests.get(f"{self.sandbox}/requests.json", params={"limit": 1000}, timeout=30).json()["requests"]
        return [one for one in seen if one["action_key"] and one["action_key"].startswith(enrollment["id"])]

    def fault(self, **fault: Any) -> None:
        requests.post(f"{self.sandbox}/faults", data=json.dumps(fault), timeout=30).raise_for_status()


def step(step_id: str, kind: str, **config: Any) -> dict[str, Any]:
    """A step; keys that are no config (`next`, `branches`, `retry`, `on_failure`) stand beside it."""
    beside = {key: config.pop(key) for key in ("next", "branches", "retry", "on_failure", "name") if key in config}
    return {"id": step_id, "type": kind, "config": config, **beside}
