"""An outage as an operator meets it: what is late is held, planned, repaired at the command line, and on the record."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime

import pytest

from tests.support.dev_process import DevProcess, eventually

STEPS = """
trigger: {type: manual}
steps:
  - {id: wait, type: delay, config: {duration: 3, unit: seconds}}
  - {id: remind, type: send_sms, config: {body: "See you, {{first_name}}"}}
"""
CONTACTS = ("ada", "bob", "cyd")


@pytest.fixture
def dev(tmp_path):
    process = DevProcess(tmp_path / "data", "--no-sample", environment={"HEADRACE_HOLD_LATE": "0"})
    yield process
    process.end()


def headrace(process, *arguments, code=0):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    done = subprocess.run(
        [sys.executable, "-m", "headrace", *arguments, "--url", process.url, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def held(process):
    found = process.get("/late?late_seconds=0")["items"]
    return found if len(found) == len(CONTACTS) and {item["kind"] for item in found} == {"held"} else None


def test_outage_is_planned_and_repaired_and_nothing_late_is_sent_unasked(dev, tmp_path):
    dev.start()
    workflow = dev.publish("name: Reminder" + STEPS)
    enrolled = {}
    for contact_id in CONTACTS:
        dev.send(contact_id, "contact.created", {"contact": {"first_name": contact_id, "phone": "+15550001111"}})
        enrolled[contact_id] = dev.post(
            f"/workflows/{workflow['id']}/enrollments", {"contact_id": contact_id}, expect=201
        )
    waiting = [dev.executions(one["id"])[0] for one in enrolled.values()]
    dev.kill()
    last = max(datetime.fromisoformat(wait["output_data"]["delay_until"]).timestamp() for wait in waiting)
    eventually(lambda: time.time() > last, "all waits to be over, with nobody there")
    dev.start()
    eventually(lambda: held(dev), "all to be held")
    assert headrace(dev, "stuck") == {"items": []}, "what is held waits for a person"

    plan_file = tmp_path / "plan.json"
    plan = headrace(dev, "repair", "--plan", "--late", "0s", "-o", str(plan_file))
    (group,) = plan["groups"]
    assert (group["workflow"], group["step_id"], group["kind"], group["do"]) == ("Reminder", "wait", "held", "leave")
    assert dev.inbox() == []

    by = {item["contact_id"]: item for item in group["items"]}
    plan["groups"] = [
        {**group, "do": do, "items": [by[contact_id]]}
        for contact_id, do in zip(CONTACTS, ("run", "skip", "exit"), strict=True)
    ]
    plan_file.write_text(json.dumps(plan))
    for _ in range(2):  # the second time each is the same command, which has its result already
        answer = headrace(dev, "repair", "--apply", str(plan_file), "--by", "ana", "--note", "the outage")
        assert answer["results"] == {"repaired": 3}

    def status(contact_id):
        return dev.get(f"/enrollments/{enrolled[contact_id]['id']}")

    for contact_id in ("ada", "bob"):
        eventually(lambda name=contact_id: status(name)["status"] == "completed", f"{contact_id} to go on")
    assert (status("cyd")["status"], status("cyd")["exit_reason"]) == ("exited", "repair: wait")
    assert sorted(message["body"] for message in dev.inbox()) == ["See you, ada", "See you, bob"]

    timeline = dev.get("/contacts/cyd/timeline?limit=100")["items"]
    (repaired,) = [item for item in timeline if item["type"] == "enrollment_repaired"]
    assert (repaired["data"]["by"], repaired["data"]["how"], repaired["data"]["message"]) == (
        "ana",
        "exit",
        "the outage",
    )
    assert repaired["data"]["late_ms"] > 0
    assert headrace(dev, "repair", "--late", "0s")["groups"] == []
    assert dev.stop() == 0
