"""The whole engine, scenario by scenario: the same on the embedded log and on real Kafka with two workers."""

import itertools
import json
from pathlib import Path

import requests

from tests.support.client import HeadraceClient, eventually

SEEDS = Path(__file__).parents[2] / "examples"
YAML = {"content-type": "application/yaml"}
_numbers = itertools.count(1)


def fresh(name: str) -> str:
    return f"{name}-{next(_numbers)}"


def phone(contact: str) -> str:
    return f"+1555{int(contact.rsplit('-', 1)[1]):07}"


def started_by(event: str, *steps: str, head: str = "") -> str:
    lines = "".join(f"  - {one}\n" for one in steps)
    return f"name: {event}\ntrigger: {{type: event, config: {{name: {event}}}}}\n{head}steps:\n{lines}"


def enrollment(headrace: HeadraceClient, workflow: dict, contact: str) -> dict:
    items = headrace.get(f"/workflows/{workflow['id']}/enrollments")["items"]
    return next(item for item in items if item["contact_id"] == contact)


def reaches(headrace: HeadraceClient, workflow: dict, contact: str, status: str) -> dict:
    def there() -> dict | None:
        one = enrollment(headrace, workflow, contact)
        return one if one["status"] == status else None

    return eventually(there, f"{contact} to be {status}")


def messages(headrace: HeadraceClient, to: str) -> list[dict]:
    return [message for message in headrace.inbox() if message["to"] == to]


def taken(headrace: HeadraceClient, one: dict) -> list[str]:
    return [execution["step_id"] for execution in headrace.executions(one["id"])]


def test_users_example_with_short_days_reaches_both_of_its_ends(headrace):
    source = (SEEDS / "new-lead-welcome.yaml").read_text().replace("unit: days", "unit: seconds")
    workflow = headrace.publish(source)
    silent, keen = fresh("silent"), fresh("keen")
    for contact in (silent, keen):
        data = {"contact": {"phone": phone(contact), "email": f"{contact}@example.com", "source": "facebook_ad"}}
        headrace.send(contact, "contact.created", data)
    headrace.send(keen, "contact.sms_received", {"body": "Yes"})
    ends = {contact: reaches(headrace, workflow, contact, "completed") for contact in (silent, keen)}
    assert taken(headrace, ends[keen]) == ["send_welcome_sms", "wait_1_day", "check_reply", "send_followup_email"]
    assert taken(headrace, ends[silent])[-3:] == ["send_reminder_sms", "wait_2_days", "add_cold_tag"]
    assert headrace.get(f"/contacts/{silent}")["tags"] == ["cold_lead"]
    keys = [
        m["action_key"] for m in headrace.inbox() if m["action_key"].startswith((ends[silent]["id"], ends[keen]["id"]))
    ]
    assert len(keys) == len(set(keys)) == 4
    headrace.post(f"/workflows/{workflow['id']}/archive")


def test_users_json_example_is_a_draft_until_its_dangling_step_is_accepted(headrace):
    source = (SEEDS / "new-lead-welcome.json").read_bytes()
    made = headrace.call(
        "POST", "/api/v1/workflows", data=source, headers={"content-type": "application/json"}, expect=201
    )
    assert made["status"] == "draft"
    refused = headrace.post(f"/workflows/{made['id']}/publish", {}, expect=409)
    assert "step_3" in json.dumps(refused)
    headrace.post(f"/workflows/{made['id']}/publish", {"accept": ["dangling_next"]})
    contact = fresh("json")
    headrace.send(contact, "contact.created", {"contact": {"first_name": "Ada", "phone": phone(contact)}})
    headrace.send(contact, "contact.tag_added", {"tag": "new_lead"})
    (message,) = eventually(lambda: messages(headrace, phone(contact)), "the SMS")
    assert message["body"] == "Hi Ada, thanks for your interest!"
    headrace.post(f"/workflows/{made['id']}/archive")


def test_publish_then_event_always_enrols_in_the_version_that_was_published(headrace):
    event = fresh("versions")
    step = "{id: t, type: add_tag, config: {tag: v%d}}"
    workflow = headrace.publish(started_by(event, step % 1, head="reentry: always\n"))
    for version in range(1, 6):
        if version > 1:
            source = started_by(event, step % version, head="reentry: always\n").encode()
            headrace.call("POST", f"/api/v1/workflows/{workflow['id']}/import", data=source, headers=YAML, expect=201)
            headrace.post(f"/workflows/{workflow['id']}/publish", {"version": version})
        for _ in range(8):
            contact = fresh("contact")
            headrace.send(contact, event, {})
            assert headrace.get(f"/contacts/{contact}")["tags"] == [f"v{version}"]


def test_event_is_taken_once_however_often_it_comes(headrace):
    event, contact = fresh("once"), fresh("contact")
    workflow = headrace.publish(started_by(event, "{id: t, type: add_tag, config: {tag: x}}", head="reentry: always\n"))
    results = [headrace.send(contact, event, {}, id="same")["result"] for _ in range(3)]
    assert results == ["accepted", "duplicate", "duplicate"]
    assert len(headrace.get(f"/workflows/{workflow['id']}/enrollments")["items"]) == 1


def test_change_by_one_workflow_starts_another(headrace):
    event, tag, contact = fresh("chain"), fresh("tag"), fresh("contact")
    headrace.publish(started_by(event, f"{{id: t, type: add_tag, config: {{tag: {tag}}}}}"))
    source = f"name: {tag}\ntrigger: {{type: tag_added, config: {{tag: {tag}}}}}\nsteps:\n  - {{id: f, type: update_field, config: {{field: seen, value: 'yes {{{{event.tag}}}}'}}}}\n"
    second = headrace.publish(source)
    headrace.send(contact, event, {})
    assert enrollment(headrace, second, contact)["status"] == "completed"
    assert headrace.get(f"/contacts/{contact}")["custom_fields"] == {"seen": f"yes {tag}"}


def test_wait_ends_with_the_event_that_it_is_for_or_with_its_time_out(headrace):
    event, silent, keen = fresh("waits"), fresh("silent"), fresh("keen")
    for contact in (silent, keen):
        timeout = ", timeout: 1s" if contact == silent else ""
        branches = ", branches: {received: warm, timeout: cold}" if contact == silent else ""
        workflow = headrace.publish(
            started_by(
                f"{event}-{contact}",
                f"{{id: answer, type: wait_for_event, config: {{event: {{type: sms_received, config: {{contains: 'yes'}}}}{timeout}}}{branches}}}",
                "{id: warm, type: add_tag, config: {tag: 'said {{steps.answer.output.data.body}}'}, next: end}",
                "{id: cold, type: add_tag, config: {tag: cold}}",
            )
        )
        headrace.send(contact, f"{event}-{contact}", {})
        if contact == keen:
            for body in ("no", "oh yes"):
                headrace.send(contact, "contact.sms_received", {"body": body})
        reaches(headrace, workflow, contact, "completed")
    assert headrace.get(f"/contacts/{silent}")["tags"] == ["cold"]
    assert headrace.get(f"/contacts/{keen}")["tags"] == ["said oh yes"]


def test_failure_becomes_an_incident_that_the_operator_retries(headrace):
    event, contact = fresh("fails"), fresh("contact")
    workflow = headrace.publish(started_by(event, "{id: hi, type: send_sms, config: {body: Hello}}"))
    headrace.send(contact, "contact.created", {"contact": {"phone": phone(contact)}})
    fault = {"channel": "sms", "kind": "status", "status": 400, "times": 1}
    requests.post(f"{headrace.sandbox}/faults", json=fault, timeout=30).raise_for_status()
    headrace.send(contact, event, {})
    failed = reaches(headrace, workflow, contact, "failed")
    (incident,) = [i for i in headrace.get("/incidents?status=open")["items"] if i["enrollment_id"] == failed["id"]]
    assert incident["step_id"] == "hi"
    headrace.post(f"/enrollments/{failed['id']}/retry", {"as": "again"})
    reaches(headrace, workflow, contact, "completed")
    assert len(messages(headrace, phone(contact))) == 1


def test_429_is_retried_with_the_same_key_until_it_is_taken(headrace):
    event, contact = fresh("busy"), fresh("contact")
    workflow = headrace.publish(started_by(event, "{id: hi, type: send_sms, config: {body: Hello}}"))
    headrace.send(contact, "contact.created", {"contact": {"phone": phone(contact)}})
    fault = {"channel": "sms", "kind": "status", "status": 429, "retry_after": 1, "times": 1}
    requests.post(f"{headrace.sandbox}/faults", json=fault, timeout=30).raise_for_status()
    headrace.send(contact, event, {})
    one = reaches(headrace, workflow, contact, "completed")
    (execution,) = headrace.executions(one["id"])
    assert (execution["status"], execution["attempts"]) == ("completed", 2)
    assert [m["action_key"] for m in messages(headrace, phone(contact))] == [f"{one['id']}/hi/1"]


def test_pause_holds_a_workflow_and_resume_shifts_its_timers(headrace):
    event, contact, late = fresh("pause"), fresh("contact"), fresh("late")
    workflow = headrace.publish(started_by(event, "{id: w, type: delay, config: {duration: 1, unit: hours}}"))
    headrace.send(contact, event, {})
    before = enrollment(headrace, workflow, contact)
    headrace.post(f"/workflows/{workflow['id']}/pause")
    reaches(headrace, workflow, contact, "paused")
    headrace.send(late, event, {})
    assert all(i["contact_id"] != late for i in headrace.get(f"/workflows/{workflow['id']}/enrollments")["items"])
    headrace.post(f"/workflows/{workflow['id']}/resume")
    after = reaches(headrace, workflow, contact, "active")
    assert after["next_action_at"] > before["next_action_at"]


def test_publish_with_cancel_ends_what_is_in_flight(headrace):
    event, contact = fresh("cancel"), fresh("contact")
    step = "{id: w, type: delay, config: {duration: %d, unit: hours}}"
    workflow = headrace.publish(started_by(event, step % 1))
    headrace.send(contact, event, {})
    headrace.call(
        "POST",
        f"/api/v1/workflows/{workflow['id']}/import",
        data=started_by(event, step % 2).encode(),
        headers=YAML,
        expect=201,
    )
    headrace.post(f"/workflows/{workflow['id']}/publish", {"in_flight": "cancel"})
    assert reaches(headrace, workflow, contact, "cancelled")["exit_reason"] == "publish"


def test_enrolment_by_hand_cancel_and_what_is_refused(headrace):
    contact = fresh("contact")
    workflow = headrace.publish(f"name: {contact}\ntrigger: {{type: manual}}\nsteps:\n  - {{id: w, type: delay}}\n")
    path = f"/workflows/{workflow['id']}/enrollments"
    headrace.post(path, {"contact_id": contact}, expect=404)
    headrace.send(contact, "contact.created", {"contact": {}})
    one = headrace.post(path, {"contact_id": contact}, expect=201)
    headrace.post(path, {"contact_id": contact}, expect=409)
    assert headrace.post(f"/enrollments/{one['id']}/cancel")["status"] == "cancelled"
    headrace.post(f"/enrollments/{one['id']}/cancel", expect=409)


def test_many_contacts_at_once_all_end_and_each_gets_its_own_message(headrace):
    event = fresh("many")
    workflow = headrace.publish(
        started_by(event, "{id: hi, type: send_email, config: {subject: S, body: 'B {{event.n}}'}}")
    )
    people = [fresh("crowd") for _ in range(60)]
    for n, contact in enumerate(people):
        headrace.send(contact, "contact.created", {"contact": {"email": f"{contact}@example.com"}})
        headrace.send(contact, event, {"n": n})

    def all_completed() -> bool:
        items = headrace.get(f"/workflows/{workflow['id']}/enrollments?status=completed&limit=500")["items"]
        return len(items) == len(people)

    eventually(all_completed, "all to end")
    for n, contact in enumerate(people):
        assert [m["body"] for m in messages(headrace, f"{contact}@example.com")] == [f"B {n}"]
