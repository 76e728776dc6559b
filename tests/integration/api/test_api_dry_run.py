"""The dry run over HTTP: the path that a contact would take now; nothing is sent and nothing written."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.integration.api.caller import assert_problem
from tests.integration.api.read_side import DOCUMENT, WORKFLOW

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
PATH = f"/api/v1/workflows/{WORKFLOW}/test"


async def test_a_dry_run_tells_each_step_and_its_due_time(api, read_side):
    await read_side.workflow()
    await read_side.contact()
    reply = await api.post(PATH, params={"contact_id": "ada"})
    assert reply.status == 200
    run = reply.body
    assert set(run) == {"workflow_id", "version", "contact_id", "enrolled", "reason", "steps", "ends"}
    assert (run["workflow_id"], run["version"], run["contact_id"]) == (str(WORKFLOW), 1, "ada")
    assert (run["enrolled"], run["reason"], run["ends"]) == (True, None, "completed")
    assert set(run["steps"][0]) == {"step_id", "step_type", "at", "status", "input_data", "output_data", "next"}
    assert [(step["step_id"], step["at"]) for step in run["steps"]] == [
        ("greet", "2027-01-15T08:00:00Z"),
        ("wait", "2027-01-15T08:00:00Z"),
        ("tag", "2027-01-16T08:00:00Z"),
    ]
    assert "Hi Ada" in str(run["steps"][0])
    assert api.nothing_appended()


async def test_an_inline_contact_need_not_exist(api, read_side):
    await read_side.workflow()
    body = {
        "contact": {"id": "x", "first_name": "Grace", "phone": "+15005550006", "tags": ["a"], "custom_fields": {"n": 1}}
    }
    run = (await api.post(PATH, json=body)).body
    assert run["contact_id"] == "x"
    assert "Hi Grace" in str(run["steps"][0])


WAITING = DOCUMENT | {
    "steps": [
        {"id": "greet", "type": "send_sms", "config": {"body": "Hi"}},
        {
            "id": "answer",
            "type": "wait_for_event",
            "config": {
                "event": [
                    {"type": "sms_received"},
                    {"type": "delivery", "config": {"step": "greet", "status": "failed"}},
                ]
            },
        },
    ]
}


async def test_what_comes_while_the_contact_waits_may_be_said(api, read_side):
    await read_side.workflow(document=WAITING)
    await read_side.contact()
    in_vain = (await api.post(PATH, params={"contact_id": "ada"})).body
    assert (in_vain["ends"], in_vain["steps"][1]["status"]) == ("waiting", "running")
    for event in (
        {"type": "contact.sms_received", "data": {"body": "yes"}},
        {"type": "delivery", "data": {"step": "greet", "status": "undelivered"}},
    ):
        run = (await api.post(PATH, params={"contact_id": "ada"}, json={"events": [event]})).body
        assert (run["ends"], run["steps"][1]["output_data"]["data"]) == ("completed", event["data"])


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "contact.sms_received", "data": {}}, "data.body: expected text, found none"),
        ({"type": "delivery", "data": {"step": "greet", "status": "opend"}}, "data.status: expected one of"),
    ],
)
async def test_what_can_not_come_is_refused(api, read_side, event, words):
    await read_side.workflow(document=WAITING)
    await read_side.contact()
    refused = await api.post(PATH, params={"contact_id": "ada"}, json={"events": [event]})
    assert words in assert_problem(refused, 422, "bad_data")["detail"]


async def test_a_contact_who_was_there_before_is_told_why_not(api, read_side):
    await read_side.workflow()
    await read_side.contact()
    await read_side.enrollment(status="completed")
    run = (await api.post(PATH, params={"contact_id": "ada"})).body
    assert (run["enrolled"], run["steps"], run["ends"]) == (False, [], "not_enrolled")
    assert "once" in run["reason"]


async def test_the_published_version_is_run_unless_another_is_named(api, read_side):
    await read_side.workflow(version=2)
    await read_side.contact()
    draft = DOCUMENT | {"steps": [DOCUMENT["steps"][0] | {"next": "nowhere"}]}
    await read_side.version(version=2, status="draft", digest="d2", document=draft)
    assert len((await api.post(PATH, params={"contact_id": "ada"})).body["steps"]) == 3
    latest = await api.post(PATH, params={"contact_id": "ada", "version": 2})
    assert (latest.body["version"], len(latest.body["steps"])) == (2, 1)


async def test_a_published_version_runs_with_its_pinned_texts_and_a_draft_with_todays(api, read_side):
    document = DOCUMENT | {"steps": [{"id": "a", "type": "send_sms", "config": {"template": "hello"}}]}
    await read_side.workflow(document=document)
    await read_side.version(version=2, status="draft", digest="d2", document=document)
    await read_side._connection.execute(
        """UPDATE workflow_versions SET templates = '{"hello": {"name": "hello", "channel": "sms", "body": "pinned"}}'
            WHERE version = 1"""
    )
    await read_side.template("hello", body="today's")
    await read_side.contact()
    published = (await api.post(PATH, params={"contact_id": "ada"})).body["steps"][0]
    draft = (await api.post(PATH, params={"contact_id": "ada", "version": 2})).body["steps"][0]
    assert "pinned" in str(published)
    assert "today's" in str(draft)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({}, 400, "no_contact"),
        ({"params": {"contact_id": "ada"}, "json": {"contact": {}}}, 400, "no_contact"),
        ({"params": {"contact_id": "nobody"}}, 404, "not_found"),
        ({"params": {"contact_id": "ada", "version": 9}}, 404, "not_found"),
        ({"params": {"contact_id": "x" * 129}}, 422, "invalid_contact_id"),
        ({"json": {"contact": {"tags": "vip"}}}, 422, "invalid_body"),
        ({"json": {"contact": {"nickname": "A"}}}, 422, "invalid_body"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_json"),
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
    ],
)
async def test_a_dry_run_needs_one_contact_and_a_version_that_is_there(api, read_side, options, status, code):
    await read_side.workflow()
    await read_side.contact()
    assert_problem(await api.post(PATH, **options), status, code)


async def test_a_dry_run_of_no_workflow_is_not_found(api):
    assert_problem(await api.post(f"/api/v1/workflows/{uuid4()}/test", json={"contact": {}}), 404, "not_found")


async def test_consent_and_the_messages_that_she_got_count(api, read_side):
    capped = DOCUMENT | {"steps": [DOCUMENT["steps"][0] | {"frequency_cap": {"messages": 1, "per": "24h"}}]}
    await read_side.workflow(document=capped)
    for contact_id in ("ada", "bo"):
        await read_side.contact(contact_id)
    await read_side.intent(requested_at=NOW - timedelta(hours=2))
    await read_side.execution(started_at=NOW - timedelta(hours=1))
    await read_side.consent("bo")
    (held,) = (await api.post(PATH, params={"contact_id": "ada"})).body["steps"]
    assert held["output_data"]["reason"] == "frequency_cap"
    assert held["output_data"]["delay_until"] == "2027-01-16T07:00:00.000Z"
    (skipped,) = (await api.post(PATH, params={"contact_id": "bo"})).body["steps"]
    assert (skipped["status"], skipped["output_data"]) == ("skipped", {"reason": "opted_out"})
