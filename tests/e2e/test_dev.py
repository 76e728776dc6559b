"""`headrace dev` as its user meets it: start, the printed curl, the example to both of its ends, stop, kill, start again."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import requests

from tests.support.dev_process import DevProcess, eventually

SEEDS = Path(__file__).parents[2] / "examples"
LEAD = {"contact": {"first_name": "Ada", "phone": "+15550001111", "email": "ada@example.com", "source": "facebook_ad"}}
DAY = 86_400.0


@pytest.fixture
def dev(tmp_path):
    started = []

    def make(*options: str) -> DevProcess:
        process = DevProcess(tmp_path / f"data{len(started)}", *options)
        started.append(process)
        return process

    yield make
    for process in started:
        process.end()


def sample(process: DevProcess) -> str:
    (workflow,) = process.get("/workflows")["items"]
    return workflow["id"]


def enrollment(process: DevProcess, contact_id: str) -> dict:
    items = process.get(f"/workflows/{sample(process)}/enrollments")["items"]
    (one,) = [item for item in items if item["contact_id"] == contact_id]
    return one


def test_printed_curl_makes_an_sms_appear_and_the_wait_shows_its_due_time(dev):
    process = dev().start()
    curl = re.search(r"curl -s .*", process.output).group(0)
    answer = json.loads(subprocess.run(shlex.split(curl), capture_output=True, check=True, timeout=30).stdout)
    assert answer["result"] == "accepted"
    (message,) = eventually(process.inbox, "the SMS")
    assert (message["channel"], message["to"], message["body"]) == ("sms", "+15550001111", "welcome_sms")
    one = enrollment(process, "ada")
    wait = eventually(
        lambda: next((e for e in process.executions(one["id"]) if e["step_id"] == "wait_1_day"), None), "the wait"
    )
    assert wait["status"] == "running"
    started, due = wait["started_at"], wait["output_data"]["delay_until"]
    assert (parse(due) - parse(started)).total_seconds() == DAY
    assert parse(enrollment(process, "ada")["next_action_at"]) == parse(due)
    assert message["action_key"] == f"{one['id']}/send_welcome_sms/1"
    assert process.stop() == 0
    assert "stopping" in process.output


def parse(text: str):
    from datetime import datetime

    return datetime.fromisoformat(text)


def test_example_runs_to_both_of_its_ends_with_scaled_time(dev):
    process = dev("--time-scale", "20000").start()
    process.send("silent", "contact.created", LEAD)
    process.send("keen", "contact.created", LEAD)
    process.send("other", "contact.created", {"contact": {"source": "google"}})
    eventually(lambda: len(process.inbox()) >= 2, "both welcome messages")
    process.send("keen", "contact.sms_received", {"body": "Yes please"})
    for one in ("silent", "keen"):
        eventually(lambda one=one: enrollment(process, one)["status"] == "completed", f"the end of {one}")
    taken = {
        one: [e["step_id"] for e in process.executions(enrollment(process, one)["id"])] for one in ("silent", "keen")
    }
    assert taken["keen"] == ["send_welcome_sms", "wait_1_day", "check_reply", "send_followup_email"]
    assert taken["silent"] == [
        "send_welcome_sms",
        "wait_1_day",
        "check_reply",
        "send_reminder_sms",
        "wait_2_days",
        "add_cold_tag",
    ]
    assert process.get("/contacts/silent")["tags"] == ["cold_lead"]
    sent = sorted((m["channel"], m["action_key"].split("/")[1]) for m in process.inbox())
    assert sent == [
        ("email", "send_followup_email"),
        ("sms", "send_reminder_sms"),
        ("sms", "send_welcome_sms"),
        ("sms", "send_welcome_sms"),
    ]
    assert len({m["action_key"] for m in process.inbox()}) == 4
    assert all(i["contact_id"] != "other" for i in process.get(f"/workflows/{sample(process)}/enrollments")["items"])


def test_kill_9_and_start_again_resumes_without_a_second_send(dev):
    process = dev().start()
    process.send("ada", "contact.created", LEAD)
    eventually(process.inbox, "the SMS")
    eventually(lambda: enrollment(process, "ada")["current_step"] == "wait_1_day", "the wait")
    before = [e for e in process.executions(enrollment(process, "ada")["id"]) if e["status"] == "running"]
    assert [one["step_id"] for one in before] == ["wait_1_day"]
    process.kill()
    process.start()
    assert len(process.get("/workflows")["items"]) == 1
    process.send("bob", "contact.created", LEAD)
    eventually(lambda: len(process.inbox()) == 2, "the second contact's SMS")
    assert len({m["action_key"] for m in process.inbox()}) == 2
    after = [e for e in process.executions(enrollment(process, "ada")["id"]) if e["status"] == "running"]
    assert after == before
    assert process.get("/contacts/ada/timeline")["items"]


def test_lost_read_side_is_built_anew_from_the_log(dev):
    import shutil

    process = dev().start()
    process.send("ada", "contact.created", LEAD)
    eventually(process.inbox, "the SMS")
    eventually(lambda: enrollment(process, "ada")["current_step"] == "wait_1_day", "the wait")
    timeline = "/contacts/ada/timeline"
    eventually(lambda: ': delivered"' in json.dumps(process.get(timeline)), "the last callback")
    before = {path: process.get(path) for path in ("/workflows", "/contacts/ada", "/contacts/ada/timeline")}
    assert process.stop() == 0
    shutil.rmtree(process.directory / "postgres")
    shutil.rmtree(process.directory / "store")
    process.start()
    eventually(lambda: process.get("/workflows")["items"], "the read side")
    eventually(lambda: process.get("/contacts/ada/timeline") == before["/contacts/ada/timeline"], "the timeline")
    assert {path: process.get(path) for path in before} == before
    assert len(process.inbox()) == 1


def test_second_process_on_the_same_data_directory_is_refused_clearly(dev, tmp_path):
    process = dev().start()
    with pytest.raises(AssertionError) as refused:
        DevProcess(process.directory).start()
    text = str(refused.value)
    assert str(process.pid) in text
    assert "Traceback" not in text


def test_taken_port_is_a_clear_error(dev):
    process = dev().start()
    port = process.url.rsplit(":", 1)[1]
    with pytest.raises(AssertionError) as refused:
        DevProcess(process.directory.with_name("other"), "--port", port).start()
    text = str(refused.value)
    assert port in text
    assert "--port" in text
    assert "Traceback" not in text


def test_publish_then_event_always_enrols_and_versions_live_side_by_side(dev):
    process = dev("--no-sample").start()
    definition = "name: W\ntrigger: {type: tag_added, config: {tag: go}}\nreentry: always\nsteps:\n  - {id: t, type: add_tag, config: {tag: 'v%d'}}\n"
    workflow = process.publish(definition % 1)
    for version in range(1, 6):
        if version > 1:
            headers = {"content-type": "application/yaml"}
            process.call(
                "POST",
                f"/api/v1/workflows/{workflow['id']}/import",
                data=(definition % version).encode(),
                headers=headers,
                expect=(200, 201),
            )
            process.post(f"/workflows/{workflow['id']}/publish", {"version": version})
        for n in range(4):
            contact = f"c{version}-{n}"
            process.send(contact, "contact.tag_added", {"tag": "go"})
            assert process.get(f"/contacts/{contact}")["tags"] == ["go", f"v{version}"]


def test_user_json_example_is_a_draft_until_its_dangling_step_is_accepted(dev):
    process = dev("--no-sample").start()
    source = (SEEDS / "new-lead-welcome.json").read_bytes()
    body = process.call(
        "POST", "/api/v1/workflows", data=source, headers={"content-type": "application/json"}, expect=201
    )
    assert body["status"] == "draft"
    assert [d["code"] for d in body["diagnostics"] if d["severity"] == "error"] == ["dangling_next"]
    refused = process.post(f"/workflows/{body['id']}/publish", {}, expect=409)
    assert "step_3" in json.dumps(refused)
    process.post(f"/workflows/{body['id']}/publish", {"accept": ["dangling_next"]})
    process.send("ada", "contact.created", {"contact": {"first_name": "Ada", "phone": "+1555"}})
    process.send("ada", "contact.tag_added", {"tag": "new_lead"})
    (message,) = eventually(process.inbox, "the SMS")
    assert message["body"] == "Hi Ada, thanks for your interest!"


def test_failure_becomes_an_incident_that_the_operator_retries(dev):
    process = dev("--no-sample").start()
    requests.post(
        f"{process.sandbox}/faults", json={"channel": "sms", "kind": "status", "status": 400, "times": 1}, timeout=30
    ).raise_for_status()
    process.publish(
        "name: W\ntrigger: {type: contact_created}\nsteps:\n  - {id: hi, type: send_sms, config: {body: Hello}}\n"
    )
    process.send("ada", "contact.created", LEAD)
    (incident,) = eventually(lambda: process.get("/incidents?status=open")["items"], "the incident")
    assert incident["step_id"] == "hi"
    assert process.get(f"/enrollments/{incident['enrollment_id']}")["status"] == "failed"
    process.post(f"/enrollments/{incident['enrollment_id']}/retry", {"as": "again"})
    eventually(lambda: process.get(f"/enrollments/{incident['enrollment_id']}")["status"] == "completed", "the end")
    assert process.get("/incidents?status=open")["items"] == []
    assert len(process.inbox()) == 1


def test_dry_run_sends_and_writes_nothing(dev):
    process = dev().start()
    process.send("ada", "contact.created", {"contact": LEAD["contact"] | {"source": "google"}})
    process.send("ada", "contact.field_updated", {"field": "source", "value": "facebook_ad"})
    run = process.post(f"/workflows/{sample(process)}/test?contact_id=ada")
    assert run["enrolled"] is True
    assert [s["step_id"] for s in run["steps"]] == [
        "send_welcome_sms",
        "wait_1_day",
        "check_reply",
        "send_reminder_sms",
        "wait_2_days",
        "add_cold_tag",
    ]
    assert run["ends"] == "completed"
    assert process.inbox() == []
    assert process.get("/contacts/ada")["tags"] == []
    assert process.get(f"/workflows/{sample(process)}/enrollments")["items"] == []
