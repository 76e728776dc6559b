"""Reading over HTTP: the fields that DESIGN 5.6 names, to the letter."""

from uuid import uuid4

import pytest

from tests.integration.api.caller import assert_problem
from tests.integration.api.read_side import DOCUMENT, ENROLLMENT, WORKFLOW, Json, later

WARNING = {
    "code": "unknown_name",
    "severity": "warning",
    "path": "steps[0].config.body",
    "line": 4,
    "column": 9,
    "message": "'nick' is empty",
    "hint": "",
}


async def test_a_workflow_has_the_fields_of_the_contract(api, read_side):
    await read_side.workflow(diagnostics=[WARNING])
    reply = await api.get(f"/api/v1/workflows/{WORKFLOW}")
    assert reply.status == 200
    assert reply.body == {
        "id": str(WORKFLOW),
        "name": "Welcome",
        "status": "active",
        "version": 1,
        "published_version": 1,
        "diagnostics": [WARNING],
        "created_at": "2026-03-01T09:00:00Z",
        "updated_at": "2026-03-01T09:00:00Z",
    }


async def test_workflows_are_listed_the_newest_first_and_by_status(api, read_side):
    await read_side.workflow()
    other = uuid4()
    await read_side.workflow(id=other, status="draft", created_at=later(hours=1))
    reply = await api.get("/api/v1/workflows")
    assert [item["id"] for item in reply.body["items"]] == [str(other), str(WORKFLOW)]
    assert reply.body["next_cursor"] is None
    drafts = await api.get("/api/v1/workflows", params={"status": "draft"})
    assert [item["id"] for item in drafts.body["items"]] == [str(other)]


async def test_versions_have_the_fields_of_the_contract(api, read_side):
    await read_side.workflow(version=2)
    await read_side.version(version=2, status="draft", digest="d2", created_at=later(days=1), published_at=None)
    reply = await api.get(f"/api/v1/workflows/{WORKFLOW}/versions")
    assert reply.body["items"] == [
        {
            "version": 2,
            "status": "draft",
            "created_at": "2026-03-02T09:00:00Z",
            "published_at": None,
            "diagnostics": [],
        },
        {
            "version": 1,
            "status": "published",
            "created_at": "2026-03-01T09:00:00Z",
            "published_at": "2026-03-01T09:00:00Z",
            "diagnostics": [],
        },
    ]


async def test_one_version_shows_its_definition_in_the_order_in_which_it_was_written(api, read_side):
    document = {"steps": DOCUMENT["steps"], "trigger": DOCUMENT["trigger"], "name": "Zebra first"}
    await read_side.workflow(document=document)
    reply = await api.get(f"/api/v1/workflows/{WORKFLOW}/versions/1")
    assert list(reply.body["document"]) == ["steps", "trigger", "name"]
    assert reply.body["format"] == "json"
    assert reply.body["source"].startswith("{")


@pytest.mark.parametrize("number", ["9", "0", "-1", "one", "99999999999999999999"])
async def test_a_version_that_is_not_there_is_not_found(api, read_side, number):
    await read_side.workflow()
    assert_problem(await api.get(f"/api/v1/workflows/{WORKFLOW}/versions/{number}"), 404, "not_found")


async def test_an_enrollment_has_the_fields_of_the_contract(api, read_side):
    await read_side.workflow()
    await read_side.enrollment(state={"a": 1}, next_action_at=later(days=1))
    reply = await api.get(f"/api/v1/enrollments/{ENROLLMENT}")
    assert reply.body == {
        "id": str(ENROLLMENT),
        "workflow_id": str(WORKFLOW),
        "version": 1,
        "contact_id": "ada",
        "status": "active",
        "current_step": "wait",
        "state": {"a": 1},
        "next_action_at": "2026-03-02T09:00:00Z",
        "enrolled_at": "2026-03-01T09:00:00Z",
        "completed_at": None,
        "exit_reason": None,
    }


async def test_enrollments_are_listed_by_status(api, read_side):
    await read_side.workflow()
    await read_side.enrollment()
    done = uuid4()
    await read_side.enrollment(id=done, contact_id="bob", status="completed", completed_at=later(days=2))
    path = f"/api/v1/workflows/{WORKFLOW}/enrollments"
    assert len((await api.get(path)).body["items"]) == 2
    completed = (await api.get(path, params={"status": "completed"})).body["items"]
    assert [item["id"] for item in completed] == [str(done)]
    assert_problem(await api.get(path, params={"status": "sleeping"}), 400, "bad_query")


async def test_executions_come_in_the_journals_order_with_the_users_columns(api, read_side):
    await read_side.workflow()
    await read_side.enrollment()
    await read_side.execution(
        "wait", step_type="delay", status="running", seq=7, attempts=0, output_data={"delay_until": "x"}
    )
    first = await read_side.execution("greet", seq=3, output_data={"message_id": "SM1"}, completed_at=later(seconds=1))
    reply = await api.get(f"/api/v1/enrollments/{ENROLLMENT}/executions")
    assert [item["step_id"] for item in reply.body["items"]] == ["greet", "wait"]
    assert reply.body["items"][0] == {
        "id": str(first["id"]),
        "enrollment_id": str(ENROLLMENT),
        "step_id": "greet",
        "step_type": "send_sms",
        "status": "completed",
        "input_data": {},
        "output_data": {"message_id": "SM1"},
        "error_message": None,
        "started_at": "2026-03-01T09:00:00Z",
        "completed_at": "2026-03-01T09:00:01Z",
        "visit": 1,
        "attempts": 1,
    }


async def test_a_contact_has_the_fields_of_the_contract(api, read_side):
    await read_side.contact(last_name="Lovelace")
    assert (await api.get("/api/v1/contacts/ada")).body == {
        "id": "ada",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": None,
        "phone": "+15005550006",
        "source": "facebook_ad",
        "timezone": None,
        "tags": ["vip"],
        "custom_fields": {"plan": "pro"},
        "created_at": "2026-03-01T09:00:00Z",
        "updated_at": "2026-03-01T09:00:00Z",
    }


@pytest.mark.parametrize(
    "contact_id",
    ["a/b", "50%", "ünï ✓", "a+b c", "?x=1#y", "..a", "{x}", "a\nb", "%2F", "%252F", "'); DROP TABLE contacts; --"],
)
async def test_a_contact_id_may_be_any_text(api, read_side, contact_id):
    from urllib.parse import quote

    from yarl import URL

    await read_side.contact(contact_id)
    reply = await api.get(URL(f"/api/v1/contacts/{quote(contact_id, safe='')}", encoded=True))
    assert reply.body["id"] == contact_id


async def test_a_timeline_is_in_the_journals_order_or_backwards(api, read_side):
    await read_side.contact()
    for seq in (1, 2, 3):
        await read_side.happening(seq)
    reply = await api.get("/api/v1/contacts/ada/timeline")
    assert reply.body["items"][0] == {
        "at": "2026-03-01T09:00:01Z",
        "seq": 1,
        "type": "contact.tag_added",
        "summary": "thing 1",
        "data": {"tag": "t1"},
    }
    assert [item["seq"] for item in reply.body["items"]] == [1, 2, 3]
    backwards = await api.get("/api/v1/contacts/ada/timeline", params={"order": "desc", "limit": 2})
    assert [item["seq"] for item in backwards.body["items"]] == [3, 2]
    rest = await api.get(
        "/api/v1/contacts/ada/timeline", params={"order": "desc", "cursor": backwards.body["next_cursor"]}
    )
    assert [item["seq"] for item in rest.body["items"]] == [1]


async def test_an_incident_has_the_fields_of_the_contract(api, read_side):
    opened = await read_side.incident()
    await read_side.incident(status="resolved", resolution="again", resolved_at=later(hours=1))
    expected = {
        "id": str(opened["id"]),
        "enrollment_id": str(ENROLLMENT),
        "contact_id": "ada",
        "workflow_id": str(WORKFLOW),
        "step_id": "greet",
        "code": "provider_error",
        "message": "the provider said no",
        "status": "open",
        "opened_at": "2026-03-01T09:00:00Z",
        "resolved_at": None,
    }
    assert (await api.get("/api/v1/incidents", params={"status": "open"})).body["items"] == [expected]
    assert (await api.get(f"/api/v1/incidents/{opened['id']}")).body == expected
    assert len((await api.get("/api/v1/incidents")).body["items"]) == 2


async def test_dead_letters_show_text_and_bytes(api, read_side):
    await read_side.dead_letter()
    await read_side.dead_letter(id="contact-events/0/8", offset=8, value=b"\xff\x00", at=later(hours=1))
    binary, text = (await api.get("/api/v1/dead-letters")).body["items"]
    assert (binary["value"], binary["value_base64"]) == (None, "/wA=")
    assert (text["value"], text["value_base64"], text["key"], text["offset"]) == ("{", "ew==", "ada", 7)
    assert text["reason"] == "unreadable"


async def test_templates_are_listed_by_name(api, read_side):
    await read_side.template("b")
    await read_side.template("a", channel="email", subject="Hi", html="<p>Hi</p>")
    assert [item["name"] for item in (await api.get("/api/v1/templates")).body["items"]] == ["a", "b"]
    assert (await api.get("/api/v1/templates/a")).body["html"] == "<p>Hi</p>"


async def test_stats_count_enrollments_and_steps_in_the_definitions_order(api, read_side):
    await read_side.workflow()
    await read_side.enrollment()
    await read_side.enrollment(id=uuid4(), contact_id="bob", status="completed")
    await read_side.execution("greet")
    await read_side.execution("wait", step_type="delay", status="running", seq=4)
    await read_side.execution("greet", status="failed", visit=2, seq=5)
    stats = (await api.get(f"/api/v1/workflows/{WORKFLOW}/stats")).body
    assert stats["enrollments"] == {
        "total": 2,
        "active": 1,
        "paused": 0,
        "completed": 1,
        "exited": 0,
        "cancelled": 0,
        "failed": 0,
    }
    assert [(step["step_id"], step["completed"], step["failed"], step["running"]) for step in stats["steps"]] == [
        ("greet", 1, 1, 0),
        ("wait", 0, 0, 1),
        ("tag", 0, 0, 0),
    ]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/workflows/{WORKFLOW}",
        "/api/v1/workflows/not-a-uuid",
        f"/api/v1/workflows/{WORKFLOW}/versions",
        f"/api/v1/workflows/{WORKFLOW}/versions/1",
        f"/api/v1/workflows/{WORKFLOW}/export",
        f"/api/v1/workflows/{WORKFLOW}/stats",
        f"/api/v1/workflows/{WORKFLOW}/enrollments",
        f"/api/v1/enrollments/{ENROLLMENT}",
        f"/api/v1/enrollments/{ENROLLMENT}/executions",
        "/api/v1/contacts/nobody",
        "/api/v1/contacts/nobody/timeline",
        f"/api/v1/incidents/{WORKFLOW}",
        "/api/v1/templates/none",
        "/api/v1/templates/" + "x" * 300,
        f"/api/v1/commands/{WORKFLOW}",
        "/api/v1/commands/nonsense",
        "/api/v1/nothing",
    ],
)
async def test_what_is_not_there_is_not_found(api, path):
    assert_problem(await api.get(path), 404, "not_found")


async def test_an_export_is_a_file_in_the_wanted_format(api, read_side):
    await read_side.workflow(version=2)
    await read_side.version(version=2, status="draft", document=DOCUMENT | {"name": "Welcome two"})
    path = f"/api/v1/workflows/{WORKFLOW}/export"
    published = await api.get(path)
    assert published.headers["Content-Type"] == "application/json; charset=utf-8"
    assert 'filename="welcome.json"' in published.headers["Content-Disposition"]
    assert published.body == DOCUMENT
    latest = await api.get(path, params={"format": "yaml", "version": 2})
    assert latest.headers["Content-Type"] == "application/yaml; charset=utf-8"
    assert latest.text.startswith("name: Welcome two\n")
    assert_problem(await api.get(path, params={"format": "xml"}), 400, "bad_query")
    assert_problem(await api.get(path, params={"version": 3}), 404, "not_found")


async def test_an_export_of_a_draft_is_its_latest_version(api, read_side):
    await read_side.workflow(status="draft", document=DOCUMENT | {"name": "Ärger & Ruhm / 1"})
    reply = await api.get(f"/api/v1/workflows/{WORKFLOW}/export")
    assert reply.body["name"] == "Ärger & Ruhm / 1"
    assert 'filename="arger-ruhm-1.json"' in reply.headers["Content-Disposition"]
    assert "filename*=UTF-8''%C3%84rger%20%26%20Ruhm%20%2F%201.json" in reply.headers["Content-Disposition"]


async def test_diagnostics_of_the_latest_version_stand_in_the_workflow(api, read_side):
    await read_side.workflow(status="draft", diagnostics=Json([WARNING]))
    assert (await api.get(f"/api/v1/workflows/{WORKFLOW}")).body["diagnostics"][0]["line"] == 4
