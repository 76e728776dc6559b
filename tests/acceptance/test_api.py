"""DESIGN 5.3 and 5.6 "Bodies" and "Small print": each route's fields to the letter, status codes, pages, keys, problems."""

import uuid

import pytest
import requests

from tests.support.dev_process import eventually
from tests.support.headrace import at, fresh, step

WORKFLOW = {"id", "name", "status", "version", "published_version", "diagnostics", "created_at", "updated_at"}
VERSION = {"version", "status", "created_at", "published_at", "diagnostics"}
ENROLLMENT = {
    "id", "workflow_id", "version", "contact_id", "status", "current_step", "state", "next_action_at", "enrolled_at",
    "completed_at", "exit_reason",
}  # fmt: skip
EXECUTION = {
    "id", "enrollment_id", "step_id", "step_type", "status", "input_data", "output_data", "error_message", "started_at",
    "completed_at", "visit", "attempts",
}  # fmt: skip
CONTACT = {
    "id", "first_name", "last_name", "email", "phone", "source", "timezone", "tags", "custom_fields", "created_at",
    "updated_at",
}  # fmt: skip
DRY_RUN = {"workflow_id", "version", "contact_id", "enrolled", "reason", "steps", "ends"}
DRY_RUN_STEP = {"step_id", "step_type", "at", "status", "input_data", "output_data", "next"}
INCIDENT = {
    "id", "enrollment_id", "contact_id", "workflow_id", "step_id", "code", "message", "status", "opened_at",
    "resolved_at",
}  # fmt: skip
TIMELINE_ITEM = {"at", "seq", "type", "summary", "data"}
INBOX_MESSAGE = {"channel", "to", "body", "provider_id", "action_key", "at"}
PAGE = {"items", "next_cursor"}


@pytest.fixture(scope="module")
def story(headrace):
    """A workflow with one enrollment that failed and one that waits."""
    workflow = headrace.workflow(
        step("hi", "send_sms", body="Hi {{first_name}}"),
        step("wait", "delay", duration=1, unit="hours"),
        step("ask", "condition", field="last_sms_reply", operator="exists", branches={"true": "end", "false": "cold"}),
        step("cold", "add_tag", tag="cold"),
        reentry="always",
    )
    contact_id = headrace.contact()
    waiting = headrace.enrol(workflow, contact_id)
    headrace.step(waiting, "wait", "running")
    failed = headrace.run(workflow, headrace.contact(phone=None), "failed")
    return {"workflow": workflow, "contact": contact_id, "waiting": waiting, "failed": failed}


# ---------------------------------------------------------------- bodies


def test_workflow_and_versions(headrace, story):
    workflow = headrace.get(f"/workflows/{story['workflow']['id']}")
    assert workflow == story["workflow"]
    assert set(workflow) == WORKFLOW
    uuid.UUID(workflow["id"])
    assert at(workflow["created_at"]) <= at(workflow["updated_at"])
    page = headrace.get(f"/workflows/{workflow['id']}/versions")
    assert set(page) == PAGE
    assert [set(one) for one in page["items"]] == [VERSION]
    listed = headrace.get("/workflows?limit=500")["items"]
    assert workflow in listed
    assert all(set(one) == WORKFLOW for one in listed)
    active = headrace.get("/workflows?status=active&limit=500")["items"]
    assert workflow in active
    assert {one["status"] for one in active} == {"active"}


def test_enrollment_and_its_executions(headrace, story):
    enrollment = headrace.get(f"/enrollments/{story['waiting']['id']}")
    assert set(enrollment) == ENROLLMENT
    uuid.UUID(enrollment["id"])
    assert enrollment["workflow_id"] == story["workflow"]["id"]
    assert (enrollment["version"], enrollment["contact_id"]) == (1, story["contact"])
    assert (enrollment["status"], enrollment["current_step"], enrollment["state"]) == ("active", "wait", {})
    assert (enrollment["completed_at"], enrollment["exit_reason"]) == (None, None)
    sent, wait = headrace.executions(enrollment)
    assert set(sent) == set(wait) == EXECUTION
    assert (sent["step_id"], sent["step_type"], sent["status"]) == ("hi", "send_sms", "completed")
    assert (wait["step_id"], wait["step_type"], wait["status"]) == ("wait", "delay", "running")
    assert at(wait["output_data"]["delay_until"]) == at(enrollment["next_action_at"])
    assert {one["enrollment_id"] for one in (sent, wait)} == {enrollment["id"]}


def test_enrollments_by_status(headrace, story):
    path = f"/workflows/{story['workflow']['id']}/enrollments"
    everyone = headrace.get(path)["items"]
    assert {one["id"] for one in everyone} == {story["waiting"]["id"], story["failed"]["id"]}
    for status in ("active", "paused", "completed", "exited", "cancelled", "failed"):
        found = headrace.get(f"{path}?status={status}")["items"]
        assert [one["id"] for one in found] == [one["id"] for one in everyone if one["status"] == status]
    headrace.get(f"{path}?status=asleep", expect=400)


def test_contact_and_timeline(headrace, story):
    contact = headrace.get(f"/contacts/{story['contact']}")
    assert set(contact) == CONTACT
    assert at(contact["created_at"]) <= at(contact["updated_at"])
    page = headrace.get(f"/contacts/{story['contact']}/timeline")
    assert set(page) == PAGE
    assert all(set(one) == TIMELINE_ITEM for one in page["items"])
    assert [one["seq"] for one in page["items"]] == list(range(1, len(page["items"]) + 1))
    assert all(one["summary"] and at(one["at"]) for one in page["items"])
    kinds = [one["type"] for one in page["items"]]
    for expected in (
        "contact_event_accepted",
        "enrolled",
        "action_requested",
        "attempt_started",
        "attempt_succeeded",
        "step_completed",
        "timer_set",
    ):
        assert expected in kinds


def test_incident(headrace, story):
    incident = next(
        one for one in headrace.get("/incidents?limit=500")["items"] if one["enrollment_id"] == story["failed"]["id"]
    )
    assert set(incident) == INCIDENT
    assert headrace.get(f"/incidents/{incident['id']}") == incident
    assert (incident["contact_id"], incident["workflow_id"], incident["step_id"], incident["status"]) == (
        story["failed"]["contact_id"],
        story["workflow"]["id"],
        "hi",
        "open",
    )
    assert incident["resolved_at"] is None
    assert incident["message"]
    opened = headrace.get("/incidents?status=open&limit=500")["items"]
    assert incident in opened
    assert {one["status"] for one in opened} == {"open"}


def test_dry_run_walks_the_path_and_leaves_no_trace(headrace, story):
    contact_id = headrace.contact()
    before = headrace.timeline(contact_id)
    run = headrace.post(f"/workflows/{story['workflow']['id']}/test?contact_id={contact_id}")
    assert set(run) == DRY_RUN
    assert (run["workflow_id"], run["version"], run["contact_id"]) == (story["workflow"]["id"], 1, contact_id)
    assert (run["enrolled"], run["ends"]) == (True, "completed")
    assert all(set(one) == DRY_RUN_STEP for one in run["steps"])
    assert [(one["step_id"], one["step_type"], one["next"]) for one in run["steps"]] == [
        ("hi", "send_sms", "wait"),
        ("wait", "delay", "ask"),
        ("ask", "condition", "cold"),
        ("cold", "add_tag", None),
    ]
    hi, wait, ask, _ = run["steps"]
    assert hi["input_data"] == {"to": "+15550001111", "body": "Hi Ada"}
    assert (at(wait["output_data"]["delay_until"]) - at(wait["at"])).total_seconds() == 3600
    assert at(ask["at"]) == at(wait["output_data"]["delay_until"])
    assert headrace.timeline(contact_id) == before
    assert headrace.get(f"/contacts/{contact_id}")["tags"] == []
    assert headrace.enrollments(story["workflow"], contact_id) == []
    inbox = requests.get(f"{headrace.sandbox}/inbox.json", timeout=30).json()["messages"]
    assert not [one for one in inbox if one["action_key"].startswith("dry")]


def test_dry_run_of_one_who_would_not_be_enrolled_says_why(headrace):
    trigger = {"type": "contact_created", "conditions": [{"field": "source", "operator": "equals", "value": "nowhere"}]}
    workflow = headrace.workflow(step("t", "add_tag", tag="t"), trigger=trigger)
    run = headrace.post(f"/workflows/{workflow['id']}/test?contact_id={headrace.contact()}")
    assert set(run) == DRY_RUN
    assert (run["enrolled"], run["steps"]) == (False, [])
    assert "source" in run["reason"]


def test_dry_run_of_drafts_failing_steps_and_people_who_do_not_exist(headrace):
    draft = headrace.draft(
        {
            "name": fresh("draft"),
            "trigger": {"type": "manual"},
            "steps": [step("hi", "send_sms", body="x"), step("t", "add_tag", tag="t", next="away")],
        }
    )
    path = f"/workflows/{draft['id']}/test"
    run = headrace.post(f"{path}?contact_id={headrace.contact()}")
    assert [one["step_id"] for one in run["steps"]] == ["hi", "t"]
    run = headrace.post(f"{path}?contact_id={headrace.contact(phone=None)}")
    assert (run["ends"], run["steps"][0]["status"]) == ("failed", "failed")
    assert headrace.post(f"{path}?contact_id=nobody-of-this-name", expect=404)["code"] == "not_found"
    assert headrace.post(f"{path}?contact_id={'x' * 129}", expect=422)["status"] == 422
    assert headrace.post(path, expect=400)["status"] == 400
    assert headrace.post(path, {"contact": {"phone": "+1555"}})["enrolled"] is True


def test_inbox_message(headrace, story):
    (message,) = headrace.messages(story["waiting"])
    assert set(message) >= INBOX_MESSAGE
    assert "subject" not in message
    at(message["at"])


def test_event_and_command_answers(headrace):
    contact_id = fresh("contact")
    answer = headrace.post(
        f"/contacts/{contact_id}/events", {"type": "contact.created", "data": {}, "id": "1"}, expect=200
    )
    assert set(answer) == {"command_id", "result"}
    status = headrace.get(f"/commands/{answer['command_id']}")
    assert status["status"] == "accepted"
    again = headrace.post(
        f"/contacts/{contact_id}/events", {"type": "contact.created", "data": {}, "id": "1"}, expect=200
    )
    assert again["result"] == "duplicate"
    assert headrace.get(f"/commands/{again['command_id']}")["status"] == "duplicate"
    headrace.get(f"/commands/{uuid.uuid4()}", expect=404)


def test_manual_enrolment_answers_the_enrollment(headrace, story):
    response = requests.post(
        f"{headrace.url}/api/v1/workflows/{story['workflow']['id']}/enrollments",
        json={"contact_id": headrace.contact(phone=None)},
        timeout=30,
    )
    assert response.status_code == 201
    assert set(response.json()) == ENROLLMENT
    assert response.headers["location"] == f"/api/v1/enrollments/{response.json()['id']}"


def test_health_openapi_and_stats(headrace, story):
    for path in ("/healthz", "/readyz"):
        assert requests.get(headrace.url + path, timeout=30).status_code == 200
    document = requests.get(f"{headrace.url}/openapi.json", timeout=30).json()
    assert document["openapi"].startswith("3.1")
    for route in (
        "/workflows", "/workflows/{workflow_id}", "/workflows/{workflow_id}/versions",
        "/workflows/{workflow_id}/versions/{version}", "/workflows/{workflow_id}/import",
        "/workflows/{workflow_id}/export", "/workflows/{workflow_id}/publish", "/workflows/{workflow_id}/pause",
        "/workflows/{workflow_id}/resume", "/workflows/{workflow_id}/archive", "/workflows/{workflow_id}/test",
        "/workflows/{workflow_id}/enrollments", "/enrollments/{enrollment_id}",
        "/enrollments/{enrollment_id}/executions", "/enrollments/{enrollment_id}/cancel",
        "/enrollments/{enrollment_id}/pause", "/enrollments/{enrollment_id}/resume",
        "/enrollments/{enrollment_id}/retry", "/contacts/{contact_id}", "/contacts/{contact_id}/timeline",
        "/contacts/{contact_id}/events", "/incidents", "/templates", "/commands/{command_id}",
    ):  # fmt: skip
        assert f"/api/v1{route}" in document["paths"], route
    stats = headrace.get(f"/workflows/{story['workflow']['id']}/stats")
    assert stats["enrollments"]["active"] >= 1


# ---------------------------------------------------------------- pages


def delivered(headrace, contact_id):
    """How many messages of the contact were reported delivered: the last that is heard of them."""
    items = headrace.get(f"/contacts/{contact_id}/timeline?limit=500")["items"]
    return sum(one["type"] == "delivery_reported" and one["summary"].endswith("delivered") for one in items)


def walk(headrace, path, limit):
    """All items of a list, page by page; no page is longer than `limit`."""
    found, query = [], {"limit": limit}
    while True:
        page = headrace.get(path, params=query)
        assert set(page) == PAGE
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        assert page["items"], "a page that is not the last one has items"
        query["cursor"] = page["next_cursor"]


def test_pages_join_to_the_whole_list(headrace, story):
    contact_id = headrace.contact()
    for _ in range(3):
        headrace.enrol(story["workflow"], contact_id)
    for contact, messages in ((contact_id, 3), (story["contact"], 1)):
        eventually(lambda of=contact, all_=messages: delivered(headrace, of) >= all_, "all deliveries to be reported")
    for path in (
        "/workflows",
        f"/workflows/{story['workflow']['id']}/enrollments",
        f"/workflows/{story['workflow']['id']}/versions",
        f"/enrollments/{story['waiting']['id']}/executions",
        f"/contacts/{contact_id}/timeline",
        "/contacts",
        "/incidents",
        "/templates",
        "/dead-letters",
    ):
        whole = headrace.get(f"{path}?limit=500")
        assert whole["next_cursor"] is None
        assert walk(headrace, path, 1 if len(whole["items"]) < 20 else 7) == whole["items"], path


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "cursor=AAAA", "limit=0", "limit=many", "limit=-1", "unknown=1", "limit=1&limit=2"]
)
def test_bad_pages_are_problems(headrace, query):
    assert headrace.get(f"/workflows?{query}", expect=400)["status"] == 400


def test_cursor_of_another_list_is_refused(headrace, story):
    headrace.workflow(step("t", "exit"))
    cursor = headrace.get("/workflows?limit=1")["next_cursor"]
    assert headrace.get(f"/contacts?cursor={cursor}", expect=400)["code"] == "bad_cursor"


# ---------------------------------------------------------------- writes


def test_idempotency_key_makes_a_repeat_the_same_request(headrace, story):
    contact_id = headrace.contact()
    routes = [
        (f"/contacts/{contact_id}/events", {"type": "order.paid", "data": {}}, 200),
        (f"/workflows/{story['workflow']['id']}/enrollments", {"contact_id": contact_id}, 201),
        ("/workflows", {"name": fresh("keyed"), "trigger": {"type": "manual"}, "steps": [step("t", "exit")]}, 201),
        (f"/workflows/{story['workflow']['id']}/publish", {"version": 1}, 200),
        ("/templates", {"name": fresh("keyed"), "channel": "sms", "body": "x"}, (200, 201)),
    ]
    for path, body, status in routes:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        first, again = (headrace.post(path, body, headers=key, expect=status) for _ in range(2))
        name = next(name for name in ("command_id", "id", "name") if name in first)
        assert again[name] == first[name], path
        other = body | {"name": "another"} if "name" in body else body | {"type": "other"} if "type" in body else None
        if other is not None:
            assert headrace.post(path, other, headers=key, expect=422)["code"] == "idempotency_key_reused"
    assert len(headrace.enrollments(story["workflow"], contact_id)) == 1
    taken = [one for one in headrace.timeline(contact_id) if one["data"].get("event_type") == "order.paid"]
    assert len(taken) == 1


def test_idempotency_key_of_a_refusal_refuses_again(headrace, story):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    path = f"/enrollments/{story['failed']['id']}/resume"
    first = headrace.post(path, headers=key, expect=409)
    assert headrace.post(path, headers=key, expect=409) == first


def test_respond_async_answers_at_once_with_a_place_to_ask(headrace):
    contact_id = fresh("async")
    response = requests.post(
        f"{headrace.url}/api/v1/contacts/{contact_id}/events",
        json={"type": "contact.created", "data": {}},
        headers={"Prefer": "respond-async"},
        timeout=30,
    )
    assert response.status_code == 202
    assert set(response.json()) == {"command_id"}
    location = response.headers["location"]
    assert location == f"/api/v1/commands/{response.json()['command_id']}"
    eventually(lambda: headrace.call("GET", location)["status"] == "accepted", "the command's result")
    assert headrace.get(f"/contacts/{contact_id}")["id"] == contact_id


def test_respond_async_for_definitions_tells_the_new_id(headrace):
    definition = {"name": fresh("async"), "trigger": {"type": "manual"}, "steps": [step("t", "exit")]}
    answer = headrace.post("/workflows", definition, headers={"Prefer": "respond-async"}, expect=202)
    done = eventually(
        lambda: (now := headrace.get(f"/commands/{answer['command_id']}"))["status"] != "pending" and now, "the result"
    )
    assert done["status"] == "accepted"
    assert headrace.get(f"/workflows/{answer['workflow_id']}")["name"] == definition["name"]
