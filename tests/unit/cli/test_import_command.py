"""`headrace import`: where each document goes, in which order, and what is said about it."""

import json

import pytest

from tests.unit.cli.conftest import OTHER_ID, WORKFLOW_ID, diagnostic, page, workflow

WORKFLOWS = "/api/v1/workflows"
ONE = f"{WORKFLOWS}/{WORKFLOW_ID}"

WELCOME = """\
# A comment, kept as it is.
name: Welcome
trigger: {type: contact_created}
steps:
  - {id: hello, type: send_sms, config: {template: hi}}
"""
TEMPLATE = "kind: template\nname: hi\nchannel: sms\nbody: Hi {{first_name}}\n"
UNREADABLE = WELCOME.replace("send_sms", "send_smss")
TEMPLATE_ANSWER = {
    "name": "hi",
    "channel": "sms",
    "subject": None,
    "body": "Hi {{first_name}}",
    "html": None,
    "sendgrid_template_id": None,
    "updated_at": "2026-03-01T09:00:00Z",
}


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        (tmp_path / name).write_text(text)
        return name

    return write_file


@pytest.fixture
def empty(headrace):
    """A Headrace without workflows, which takes one in."""
    headrace.on("GET", WORKFLOWS, page())
    headrace.on("POST", WORKFLOWS, workflow(status="draft", version=1, published_version=None), status=201)
    headrace.on("POST", "/api/v1/templates", TEMPLATE_ANSWER, status=201)
    return headrace


@pytest.fixture
def with_welcome(headrace):
    """A Headrace that has `Welcome` already."""
    headrace.on("GET", WORKFLOWS, page(workflow()))
    headrace.on("POST", f"{ONE}/import", workflow(version=3), status=201, Location=f"{ONE}/versions/3")
    return headrace


def test_a_new_name_makes_a_workflow_of_the_file_as_it_is(call, empty, write):
    result = call("import", write("w.yaml", WELCOME))

    assert result.code == 0
    assert result.out == f"Welcome: version 1 is a draft ({WORKFLOW_ID})\n"
    (request,) = empty.sent("POST")
    assert (request.path, request.body, request.content_type) == (WORKFLOWS, WELCOME.encode(), "application/yaml")


def test_json_is_sent_as_json(call, empty, write):
    document = '{"name": "Welcome", "trigger": {"type": "manual"}, "steps": [{"id": "a", "type": "exit"}]}'
    call("import", write("w.json", document))

    assert empty.sent("POST")[0].content_type == "application/json"


def test_a_known_name_gets_a_new_version(call, with_welcome, write):
    result = call("import", write("w.yaml", WELCOME))

    assert [request.path for request in with_welcome.sent("POST")] == [f"{ONE}/import"]
    assert "version 3 is not published" in result.out


def test_equal_content_is_told_as_the_version_that_has_it(call, headrace, write):
    headrace.on("GET", WORKFLOWS, page(workflow(version=3, published_version=1)))
    same = workflow(version=3, published_version=1)
    headrace.on("POST", f"{ONE}/import", same, status=200, Location=f"{ONE}/versions/1")
    result = call("import", write("w.yaml", WELCOME))

    assert result.code == 0
    assert result.out == f"Welcome: version 1, which has the same content, is live ({WORKFLOW_ID})\n"


def test_a_name_of_several_workflows_asks_for_an_id(call, headrace, write):
    headrace.on("GET", WORKFLOWS, page(workflow(), workflow(id=OTHER_ID)))
    result = call("import", write("w.yaml", WELCOME))

    assert result.code == 1
    assert "--id" in result.err
    assert headrace.sent("POST") == []


def test_an_archived_workflow_is_not_the_one_that_is_meant(call, empty, write, headrace):
    headrace.on("GET", WORKFLOWS, page(workflow(status="archived")))
    call("import", write("w.yaml", WELCOME))

    assert [request.path for request in headrace.sent("POST")] == [WORKFLOWS]


def test_an_id_is_taken_at_its_word(call, with_welcome, write):
    call("import", write("w.yaml", WELCOME), "--id", WORKFLOW_ID)

    assert [(request.method, request.path) for request in with_welcome.requests] == [("POST", f"{ONE}/import")]


def test_one_id_for_several_workflows_makes_no_sense(call, headrace, write):
    result = call("import", write("a.yaml", WELCOME), write("b.yaml", WELCOME), "--id", WORKFLOW_ID)

    assert result.code == 2
    assert headrace.requests == []


def test_templates_go_first_whatever_the_order_of_the_text(call, empty, write):
    result = call("import", write("w.yaml", WELCOME + "---\n" + TEMPLATE))

    template, sent = empty.sent("POST")
    assert template.path == "/api/v1/templates"
    assert json.loads(template.body) == {"name": "hi", "channel": "sms", "body": "Hi {{first_name}}"}
    assert sent.path == WORKFLOWS
    assert sent.body.decode().startswith("# A comment, kept as it is.\nname: Welcome")
    assert b"kind: template" not in sent.body
    assert result.out.splitlines()[0] == "template hi: defined"


def test_nothing_is_sent_when_a_file_cannot_be_read(call, headrace, write):
    result = call("import", write("a.yaml", TEMPLATE), write("b.yaml", UNREADABLE))

    assert (result.code, result.out) == (1, "")
    assert "b.yaml:5:23 error unknown_step_kind" in result.err
    assert "nothing was imported" in result.err
    assert headrace.requests == []


def test_a_file_that_is_not_there_is_a_wrong_call(call, headrace):
    result = call("import", "missing.yaml")

    assert result.code == 2
    assert headrace.requests == []


def test_publish_makes_the_imported_version_live(call, empty, write):
    empty.on("POST", f"{ONE}/publish", workflow(version=1))
    empty.on("GET", ONE, workflow(version=1))
    result = call("import", write("w.yaml", WELCOME), "--publish")

    assert empty.sent("POST")[-1].body == {"version": 1, "in_flight": "pin", "accept": []}
    assert "version 1 is live" in result.out


def test_a_draft_with_errors_is_imported_and_not_published(call, empty, write):
    text = WELCOME.replace("{template: hi}", "{template: hi}, next: nowhere")
    problem = {"code": "has_errors", "detail": "version 1 has 1 error", "diagnostics": [diagnostic()]}
    empty.on("POST", f"{ONE}/publish", problem, status=409)

    assert call("import", write("w.yaml", text)).code == 0
    refused = call("import", write("w.yaml", text), "--publish")
    assert refused.code == 1
    assert "w.yaml:5:" in refused.err
    assert "version 1 has 1 error" in refused.err
    assert f"Welcome: version 1 was imported, not published ({WORKFLOW_ID})" in refused.err


def test_what_only_headrace_can_know_is_told_too(call, headrace, write):
    undefined = diagnostic(code="undefined_template", severity="warning", path="steps[0].config.template")
    headrace.on("GET", WORKFLOWS, page())
    headrace.on("POST", WORKFLOWS, workflow(version=1, diagnostics=[undefined]), status=201)
    result = call("import", write("w.yaml", WELCOME))

    assert result.code == 0
    assert "steps[0].config.template: warning undefined_template" in result.err


def test_json_lists_what_became_of_each_document(call, empty, write):
    result = call("import", "--json", write("w.yaml", WELCOME + "---\n" + TEMPLATE))

    template, imported = result.json["imported"]
    assert template == {"file": "w.yaml", "kind": "template", "name": "hi"}
    assert (imported["kind"], imported["id"], imported["version"]) == ("workflow", WORKFLOW_ID, 1)


COMMAND_ID = "0190a2b4-0000-8000-8000-0000000000c1"


def test_an_import_that_shows_late_is_waited_for(call, headrace, write):
    location = f"/api/v1/commands/{COMMAND_ID}"
    accepted = {"command_id": COMMAND_ID, "status": "accepted", "workflow_id": WORKFLOW_ID, "version": 1}
    headrace.on("GET", WORKFLOWS, page())
    headrace.on("POST", WORKFLOWS, {"command_id": COMMAND_ID}, status=202, Location=location)
    headrace.on("GET", location, accepted)
    headrace.on("GET", ONE, workflow(version=1, published_version=None))

    assert "version 1 is a draft" in call("import", write("w.yaml", WELCOME)).out
