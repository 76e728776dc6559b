"""Writing over HTTP: what is appended to the log, and how long the caller waits for what comes of it."""

import asyncio
from uuid import UUID, uuid4

import pytest

from domain.command import CancelEnrollment, EnrollContact, PauseEnrollment, ResumeEnrollment, RetryEnrollment
from domain.definition import ArchiveWorkflow, ImportDefinition, PauseWorkflow, PublishVersion, ResumeWorkflow
from domain.partition import home_partition
from schemas.contact_event import read_contact_event
from tests.integration.api.caller import assert_problem
from tests.integration.api.read_side import DOCUMENT, ENROLLMENT, WORKFLOW, Json

WAIT_NOT = {"Prefer": "respond-async"}
EVENTS = "/api/v1/contacts/ada/events"
HELLO = {"type": "contact.tag_added", "data": {"tag": "new_lead"}}
IMPATIENT = {"wait_seconds": 0.05}


# ---------------------------------------------------------------- contact events


async def test_an_event_is_appended_as_a_cloud_event_in_the_contacts_home_partition(api):
    reply = await api.post(
        EVENTS, json=HELLO | {"id": "e1", "source": "crm", "time": "2026-03-01T10:00:00Z"}, headers=WAIT_NOT
    )
    assert reply.status == 202
    record = await api.event()
    assert record.partition == home_partition("ada", 4)
    assert record.key == b"ada"
    event = read_contact_event(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
    assert (event.contact_id, event.type, event.data) == ("ada", "contact.tag_added", {"tag": "new_lead"})
    assert (event.id, event.source, event.time) == ("e1", "crm", "2026-03-01T10:00:00Z")
    assert event.command_id == reply.body["command_id"]


@pytest.mark.parametrize("result", ["accepted", "duplicate"])
async def test_an_event_waits_for_its_result(api, result):
    async with api.posting(EVENTS, json=HELLO) as posting:
        command_id = dict((await api.event()).headers)["ce_commandid"].decode()
        await api.answer(command_id, result=result)
        reply = await posting
    assert reply.status == 200
    assert reply.body == {"command_id": command_id, "result": result}


@pytest.mark.parametrize("settings", [IMPATIENT])
async def test_a_write_whose_result_does_not_show_in_time_answers_where_to_ask(api, settings):
    reply = await api.post(EVENTS, json=HELLO)
    assert reply.status == 202
    assert set(reply.body) == {"command_id"}
    location = reply.headers["Location"]
    assert location == f"/api/v1/commands/{reply.body['command_id']}"
    assert (await api.get(location)).body["status"] == "pending"
    await api.read_side.result(reply.body["command_id"], contact_id="ada")
    later = (await api.get(location)).body
    assert (later["status"], later["contact_id"]) == ("accepted", "ada")


async def test_a_caller_may_prefer_not_to_wait(api):
    reply = await api.post(EVENTS, json=HELLO, headers=WAIT_NOT)
    assert reply.status == 202
    assert reply.headers["Preference-Applied"] == "respond-async"


async def test_the_wait_ends_without_a_notice_too(api):
    """The listening connection may break; the result is looked for once a second all the same."""
    async with api.posting(EVENTS, json=HELLO) as posting:
        command_id = dict((await api.event()).headers)["ce_commandid"].decode()
        await api.read_side.result(command_id)
        reply = await posting
    assert reply.status == 200


async def test_many_callers_wait_at_once_each_for_its_own(api):
    async def call(number):
        return await api.post(f"/api/v1/contacts/c{number}/events", json=HELLO)

    tasks = [asyncio.create_task(call(number)) for number in range(50)]
    records = await api.appended("contact-events", 50)
    ids = {record.key.decode(): dict(record.headers)["ce_commandid"].decode() for record in records}
    for number, command_id in enumerate(ids.values()):
        await api.read_side.result(command_id, result="duplicate" if number % 2 else "accepted")
    await api.read_side.notify()
    replies = await asyncio.gather(*tasks)
    assert {reply.status for reply in replies} == {200}
    assert {reply.body["command_id"] for reply in replies} == set(ids.values())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"data": {}}, 422, "invalid_body"),
        ({"type": ""}, 422, "bad_type"),
        ({"type": 7}, 422, "invalid_body"),
        ({"type": "contact.tag_added", "data": {}}, 422, "bad_data"),
        ({"type": "contact.tag_added", "data": []}, 422, "invalid_body"),
        ({"type": "x", "colour": "red"}, 422, "invalid_body"),
        ({"type": "x", "time": "yesterday"}, 422, "bad_time"),
        ({"type": "x", "id": "i" * 600}, 422, "bad_id"),
        ({"type": "x", "data": {"note": "a\0b"}}, 422, "invalid_body"),
        ({"type": "x", "data": {"note": "n" * 300_000}}, 413, "oversize"),
        ({"type": "x", "data": {"note": "n" * 1_100_000}}, 413, "too_large"),
    ],
)
async def test_an_event_that_the_engine_could_not_read_is_refused_and_not_appended(api, body, status, code):
    assert_problem(await api.post(EVENTS, json=body), status, code)
    assert api.nothing_appended()


async def test_a_contact_id_that_is_too_long_is_refused(api):
    reply = await api.post(f"/api/v1/contacts/{'x' * 129}/events", json=HELLO)
    assert_problem(reply, 422, "invalid_contact_id")
    assert api.nothing_appended()


# ---------------------------------------------------------------- idempotency keys


async def test_the_same_key_and_body_is_the_same_command(api):
    headers = {"Idempotency-Key": "k1", **WAIT_NOT}
    first = await api.post(EVENTS, json=HELLO, headers=headers)
    second = await api.post(EVENTS, json=HELLO, headers=headers)
    assert first.body == second.body
    records = await api.appended("contact-events", 2)
    assert {dict(record.headers)["ce_id"] for record in records} == {first.body["command_id"].encode()}


async def test_a_request_that_was_answered_is_answered_again_and_not_repeated(api):
    headers = {"Idempotency-Key": "k1"}
    async with api.posting(EVENTS, json=HELLO, headers=headers) as posting:
        command_id = dict((await api.event()).headers)["ce_commandid"].decode()
        await api.answer(command_id)
        first = await posting
    second = await api.post(EVENTS, json=HELLO, headers=headers)
    assert (
        (second.status, second.body)
        == (first.status, first.body)
        == (200, {"command_id": command_id, "result": "accepted"})
    )
    assert len(await api.appended("contact-events")) == 1


async def test_a_key_with_another_body_is_refused_while_the_first_is_under_way(api):
    headers = {"Idempotency-Key": "k1", **WAIT_NOT}
    await api.post(EVENTS, json=HELLO, headers=headers)
    other = await api.post(EVENTS, json=HELLO | {"data": {"tag": "other"}}, headers=headers)
    assert_problem(other, 422, "idempotency_key_reused")
    assert len(await api.appended("contact-events")) == 1


async def test_a_key_with_another_body_is_refused_after_a_restart_too(api):
    """Nothing is in this process's memory: the ids in the read side tell."""
    from api.idempotency import keyed_command_id

    earlier = keyed_command_id(f"POST {EVENTS}", "k1", b"\n{}")
    await api.read_side.result(earlier)
    reply = await api.post(EVENTS, json=HELLO, headers={"Idempotency-Key": "k1"})
    assert_problem(reply, 422, "idempotency_key_reused")
    assert api.nothing_appended()


async def test_a_key_counts_for_its_route_only(api):
    headers = {"Idempotency-Key": "k1", **WAIT_NOT}
    first = await api.post(EVENTS, json=HELLO, headers=headers)
    second = await api.post("/api/v1/contacts/bob/events", json=HELLO, headers=headers)
    assert first.body["command_id"] != second.body["command_id"]


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_a_sensible_length(api, key):
    reply = await api.post(EVENTS, json=HELLO, headers={"Idempotency-Key": key})
    assert_problem(reply, 400, "bad_idempotency_key")


# ---------------------------------------------------------------- enrollments


async def test_a_manual_enrollment_answers_with_the_enrollment(api, read_side):
    await read_side.workflow()
    await read_side.enrollment(contact_id="bob")
    async with api.posting(f"/api/v1/workflows/{WORKFLOW}/enrollments", json={"contact_id": "bob"}) as posting:
        command = await api.command()
        assert isinstance(command, EnrollContact)
        assert (command.contact_id, command.workflow_id) == ("bob", str(WORKFLOW))
        await api.answer(command.command_id, enrollment_id=ENROLLMENT)
        reply = await posting
    assert reply.status == 201
    assert reply.headers["Location"] == f"/api/v1/enrollments/{ENROLLMENT}"
    assert (reply.body["id"], reply.body["contact_id"]) == (str(ENROLLMENT), "bob")


@pytest.mark.parametrize(("code", "status"), [("reentry", 409), ("conflict", 409), ("not_found", 404)])
async def test_what_the_engine_rejects_is_a_problem_with_its_reason(api, code, status):
    async with api.posting(f"/api/v1/workflows/{WORKFLOW}/enrollments", json={"contact_id": "bob"}) as posting:
        command = await api.command()
        await api.answer(command.command_id, result="rejected", code=code, reason="because of the rule")
        problem = assert_problem(await posting, status, code)
    assert problem["detail"] == "because of the rule"
    assert problem["command_id"] == command.command_id


@pytest.mark.parametrize(
    ("verb", "body", "expected"),
    [
        ("cancel", None, (CancelEnrollment, {"reason": "operator"})),
        ("cancel", {"reason": "moved away"}, (CancelEnrollment, {"reason": "moved away"})),
        ("pause", None, (PauseEnrollment, {})),
        ("resume", {}, (ResumeEnrollment, {})),
        ("retry", None, (RetryEnrollment, {"how": "again"})),
        ("retry", {"as": "succeeded"}, (RetryEnrollment, {"how": "succeeded"})),
        ("retry", {"as": "skip"}, (RetryEnrollment, {"how": "skip"})),
    ],
)
async def test_an_operators_wish_goes_to_the_contacts_partition_and_answers_with_the_enrollment(
    api, read_side, verb, body, expected
):
    await read_side.workflow()
    await read_side.enrollment(contact_id="bob", status="paused")
    options = {} if body is None else {"json": body}
    async with api.posting(f"/api/v1/enrollments/{ENROLLMENT}/{verb}", **options) as posting:
        command = await api.command()
        kind, fields = expected
        assert isinstance(command, kind)
        assert (command.enrollment_id, command.contact_id) == (str(ENROLLMENT), "bob")
        assert {name: getattr(command, name) for name in fields} == fields
        await api.answer(command.command_id, enrollment_id=ENROLLMENT)
        reply = await posting
    assert reply.status == 200
    assert reply.body["id"] == str(ENROLLMENT)
    assert (await api.appended("headrace.commands"))[0].partition == home_partition("bob", 4)


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "retry"])
async def test_an_enrollment_that_is_not_there_takes_no_commands(api, verb):
    assert_problem(await api.post(f"/api/v1/enrollments/{uuid4()}/{verb}"), 404, "not_found")
    assert api.nothing_appended()


async def test_a_retry_knows_three_ways(api, read_side):
    await read_side.workflow()
    await read_side.enrollment(status="failed")
    reply = await api.post(f"/api/v1/enrollments/{ENROLLMENT}/retry", json={"as": "maybe"})
    problem = assert_problem(reply, 422, "invalid_body")
    assert problem["errors"][0]["path"] == "as"


# ---------------------------------------------------------------- definitions


async def import_new(api, **options):
    """POST a new workflow, and show it as the projector would."""
    async with api.posting("/api/v1/workflows", **options) as posting:
        command = await api.definition_command()
        await api.read_side.workflow(id=UUID(command.workflow_id), status="draft", document=command.document)
        await api.read_side.partitions_reach(6)
        await api.answer(command.command_id, workflow_id=command.workflow_id, version=1, definition_offset=5)
        return command, await posting


async def test_a_new_workflow_is_a_draft_at_its_own_address(api):
    command, reply = await import_new(api, json=DOCUMENT)
    assert reply.status == 201
    assert reply.headers["Location"] == f"/api/v1/workflows/{command.workflow_id}"
    assert (reply.body["id"], reply.body["status"], reply.body["published_version"]) == (
        command.workflow_id,
        "draft",
        None,
    )
    assert isinstance(command, ImportDefinition)
    assert (command.create, command.publish, command.format, command.name) == (True, False, "json", "Welcome")
    assert command.document == DOCUMENT
    assert list(command.document) == list(DOCUMENT)


YAML = b"name: Welcome\ntrigger: {type: contact_created}\nsteps:\n  - {id: a, type: send_sms, config: {template: hi}}\n"


@pytest.mark.parametrize(
    "content_type", ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml; charset=utf-8"]
)
async def test_yaml_is_read_by_its_content_type(api, content_type):
    command, reply = await import_new(
        api, data=YAML, headers={"Content-Type": content_type}, params={"publish": "true"}
    )
    assert reply.status == 201
    assert (command.format, command.publish, command.source) == ("yaml", True, YAML.decode())
    assert command.document["steps"][0]["id"] == "a"


async def test_a_template_that_is_not_defined_is_a_warning_at_its_line(api):
    command, _ = await import_new(api, data=YAML, headers={"Content-Type": "text/yaml"})
    assert [(found.code, found.severity, found.line) for found in command.diagnostics] == [
        ("undefined_template", "warning", 4)
    ]


async def test_a_template_that_is_defined_is_no_warning(api, read_side):
    await read_side.template("hi")
    command, _ = await import_new(api, data=YAML, headers={"Content-Type": "text/yaml"})
    assert command.diagnostics == ()


async def test_the_same_key_makes_one_workflow(api):
    headers = {"Idempotency-Key": "once"}
    _, first = await import_new(api, json=DOCUMENT, headers=headers)
    second = await api.post("/api/v1/workflows", json=DOCUMENT, headers=headers)
    assert (second.status, second.body) == (first.status, first.body)
    assert len(await api.appended("headrace.definition-commands")) == 1


async def test_a_202_tells_the_new_workflows_id(api):
    reply = await api.post("/api/v1/workflows", json=DOCUMENT, headers=WAIT_NOT)
    assert reply.status == 202
    assert reply.body["workflow_id"] == (await api.definition_command()).workflow_id


async def test_a_definition_that_cannot_be_read_is_refused_with_its_diagnostics(api):
    reply = await api.post("/api/v1/workflows", data=b"name: x\nsteps: 7\n", headers={"Content-Type": "text/yaml"})
    problem = assert_problem(reply, 422, "unreadable_definition")
    assert {"code", "severity", "path", "line", "column", "message", "hint"} == set(problem["diagnostics"][0])
    assert problem["diagnostics"][0]["line"] == 2
    assert api.nothing_appended()


@pytest.mark.parametrize("path", ["/api/v1/workflows", f"/api/v1/workflows/{WORKFLOW}/import"])
async def test_definitions_of_the_wrong_kind_type_or_size_are_refused(api, path):
    json_type = {"Content-Type": "application/json"}
    assert_problem(
        await api.post(path, data=b"{}", headers={"Content-Type": "text/plain"}), 415, "unsupported_media_type"
    )
    assert_problem(await api.post(path), 415, "unsupported_media_type")
    assert_problem(await api.post(path, data=b" " * (1024 * 1024 + 1), headers=json_type), 413, "too_large")
    assert_problem(await api.post(path, data=b"{", headers=json_type), 422, "unreadable_definition")
    template = {"kind": "template", "name": "hi", "channel": "sms", "body": "Hi"}
    assert_problem(await api.post(path, json=template), 422, "not_a_workflow")
    assert api.nothing_appended()


@pytest.mark.parametrize(("result", "status"), [("accepted", 201), ("duplicate", 200)])
async def test_an_import_makes_a_version_unless_there_is_an_equal_one(api, read_side, result, status):
    await read_side.workflow(version=2)
    await read_side.partitions_reach(10)
    async with api.posting(f"/api/v1/workflows/{WORKFLOW}/import", json=DOCUMENT) as posting:
        command = await api.definition_command()
        assert (command.workflow_id, command.create) == (str(WORKFLOW), False)
        await api.answer(command.command_id, result=result, workflow_id=WORKFLOW, version=2, definition_offset=9)
        reply = await posting
    assert reply.status == status
    assert reply.headers["Location"] == f"/api/v1/workflows/{WORKFLOW}/versions/2"
    assert reply.body["version"] == 2


async def test_a_publish_waits_until_every_partition_goes_by_it(api, read_side):
    await read_side.workflow()
    await read_side.partitions_reach(5, count=3)
    async with api.posting(f"/api/v1/workflows/{WORKFLOW}/publish") as posting:
        command = await api.definition_command()
        assert (command.version, command.in_flight, command.accept) == (None, "pin", ())
        await api.answer(command.command_id, workflow_id=WORKFLOW, version=1, definition_offset=4)
        status = f"/api/v1/commands/{command.command_id}"
        assert (await api.get(status)).body["status"] == "pending", "one partition was not heard of"
        await read_side.partitions_reach(4)
        await read_side.notify()
        assert (await api.get(status)).body["status"] == "pending", "offset 4 itself is not in force yet"
        assert not posting.done()
        await read_side.partitions_reach(5)
        await read_side.notify()
        reply = await posting
        assert (await api.get(status)).body["status"] == "accepted"
    assert reply.status == 200
    assert reply.body["id"] == str(WORKFLOW)


@pytest.mark.parametrize("settings", [IMPATIENT])
async def test_a_publish_that_a_partition_does_not_go_by_in_time_is_answered_202(api, read_side, settings):
    await read_side.workflow()
    await read_side.partitions_reach(4)
    headers = {"Idempotency-Key": "p1"}
    path = f"/api/v1/workflows/{WORKFLOW}/publish"
    first = await api.post(path, headers=headers)
    assert first.status == 202
    await api.answer(first.body["command_id"], workflow_id=WORKFLOW, version=1, definition_offset=4)
    assert (await api.post(path, headers=headers)).status == 202


async def test_a_publish_takes_a_version_and_what_becomes_of_contacts_in_flight(api, read_side):
    await read_side.workflow()
    body = {"version": 1, "in_flight": "migrate", "accept": ["dangling_next"]}
    await api.post(f"/api/v1/workflows/{WORKFLOW}/publish", json=body, headers=WAIT_NOT)
    command = await api.definition_command()
    assert isinstance(command, PublishVersion)
    assert (command.version, command.in_flight, command.accept) == (1, "migrate", ("dangling_next",))


async def test_a_publish_of_a_version_with_errors_is_refused_with_its_diagnostics(api, read_side):
    finding = {
        "code": "dangling_next",
        "severity": "error",
        "path": "steps[0].next",
        "line": 3,
        "column": 1,
        "message": "no step is called 'x'",
        "hint": "",
    }
    await read_side.workflow(status="draft", diagnostics=Json([finding]))
    async with api.posting(f"/api/v1/workflows/{WORKFLOW}/publish") as posting:
        command = await api.definition_command()
        await api.answer(
            command.command_id,
            result="rejected",
            code="has_errors",
            reason="version 1 has errors",
            version=1,
            workflow_id=WORKFLOW,
            definition_offset=3,
        )
        problem = assert_problem(await posting, 409, "has_errors")
    assert problem["diagnostics"] == [finding]
    assert problem["version"] == 1


@pytest.mark.parametrize(
    ("verb", "kind"), [("pause", PauseWorkflow), ("resume", ResumeWorkflow), ("archive", ArchiveWorkflow)]
)
async def test_an_operator_pauses_resumes_and_archives(api, read_side, verb, kind):
    await read_side.workflow(status="paused")
    await read_side.partitions_reach(9)
    async with api.posting(f"/api/v1/workflows/{WORKFLOW}/{verb}") as posting:
        command = await api.definition_command()
        assert isinstance(command, kind)
        await api.answer(command.command_id, workflow_id=WORKFLOW, definition_offset=8)
        reply = await posting
    assert (reply.status, reply.body["status"]) == (200, "paused")
    record = (await api.appended("headrace.definition-commands"))[0]
    assert (record.partition, record.key) == (0, str(WORKFLOW).encode())


# ---------------------------------------------------------------- templates


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"name": "hello", "channel": "email", "subject": "Hi", "body": "Hi {{first_name}}"}},
        {
            "data": b"kind: template\nname: hello\nchannel: email\nsubject: Hi\nbody: Hi {{first_name}}\n",
            "headers": {"Content-Type": "application/yaml"},
        },
    ],
    ids=["json", "yaml"],
)
async def test_a_template_is_set_by_name(api, read_side, sent):
    await read_side.partitions_reach(3)
    async with api.posting("/api/v1/templates", **sent) as posting:
        command = await api.definition_command()
        assert command.workflow_id == "template:hello"
        assert (command.template.channel, command.template.body) == ("email", "Hi {{first_name}}")
        await read_side.template("hello", channel="email", subject="Hi", body="Hi {{first_name}}")
        await api.answer(command.command_id, definition_offset=2)
        reply = await posting
    assert reply.status == 201
    assert reply.headers["Location"] == "/api/v1/templates/hello"
    assert reply.body["subject"] == "Hi"


async def test_a_template_that_does_not_hold_together_is_refused(api):
    reply = await api.post("/api/v1/templates", json={"name": "hello", "channel": "pigeon", "body": "Hi"})
    problem = assert_problem(reply, 422, "unreadable_definition")
    assert problem["diagnostics"][0]["path"] == "channel"
    assert_problem(await api.post("/api/v1/templates", json=DOCUMENT | {"kind": "workflow"}), 422, "not_a_template")
    assert api.nothing_appended()
