"""The commands that talk to a running Headrace: what they send, what they print, how they end."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.unit.cli.conftest import AT, ENROLLMENT_ID, OTHER_ID, WORKFLOW_ID, diagnostic, page, workflow

WORKFLOWS = "/api/v1/workflows"
ONE = f"{WORKFLOWS}/{WORKFLOW_ID}"


@pytest.fixture
def welcome(headrace):
    """A Headrace with the one workflow `Welcome`."""
    headrace.on("GET", WORKFLOWS, page(workflow()))
    headrace.on("GET", ONE, workflow())
    return headrace


# ---------------------------------------------------------------- naming a workflow


def test_workflows_are_listed(call, welcome):
    result = call("workflows")

    assert result.code == 0
    assert all(word in result.out for word in (WORKFLOW_ID, "Welcome", "active"))


def test_every_page_is_read(call, headrace):
    headrace.on("GET", WORKFLOWS, page(workflow(), next_cursor="abc"))
    headrace.on("GET", WORKFLOWS, page(workflow(id=OTHER_ID, name="Other")))

    assert [item["id"] for item in call("workflows", "--json").json["items"]] == [WORKFLOW_ID, OTHER_ID]
    assert [request.query.get("cursor") for request in headrace.requests] == [None, "abc"]


def test_no_workflows_is_said_beside_the_answer(call, headrace):
    headrace.on("GET", WORKFLOWS, page())
    result = call("workflows")

    assert (result.code, result.out) == (0, "")
    assert "headrace import" in result.err


def test_a_workflow_is_found_by_its_name(call, welcome):
    welcome.on("GET", f"{ONE}/export", b"name: Welcome\n")

    assert call("export", "Welcome").out == "name: Welcome\n"


def test_a_workflow_is_found_by_its_id_without_listing(call, welcome):
    welcome.on("GET", f"{ONE}/export", b"name: Welcome\n")
    call("export", WORKFLOW_ID)

    assert [request.path for request in welcome.requests] == [ONE, f"{ONE}/export"]


def test_a_name_that_is_nearly_right_gets_a_hint(call, welcome):
    result = call("export", "Welcom")

    assert result.code == 1
    assert "did you mean 'Welcome'?" in result.err


def test_an_unknown_id_is_the_apis_own_answer(call, headrace):
    result = call("export", WORKFLOW_ID)

    assert result.code == 1
    assert "there is nothing at" in result.err


def test_a_name_of_several_workflows_asks_for_an_id(call, headrace):
    headrace.on("GET", WORKFLOWS, page(workflow(), workflow(id=OTHER_ID)))
    result = call("export", "Welcome")

    assert result.code == 1
    assert WORKFLOW_ID in result.err
    assert OTHER_ID in result.err


def test_an_archived_namesake_does_not_count(call, headrace):
    headrace.on("GET", WORKFLOWS, page(workflow(id=OTHER_ID, status="archived"), workflow()))
    headrace.on("GET", f"{ONE}/export", b"name: Welcome\n")

    assert call("export", "Welcome").code == 0


# ---------------------------------------------------------------- export


def test_export_asks_for_the_format_and_the_version(call, welcome):
    welcome.on("GET", f"{ONE}/export", b"name: Welcome\n")
    call("export", "Welcome", "--format", "yaml", "--version", 2)

    assert welcome.requests[-1].query == {"format": "yaml", "version": 2}


@pytest.mark.parametrize(("name", "form"), [("w.yaml", "yaml"), ("w.yml", "yaml"), ("w.json", "json"), ("w", "json")])
def test_a_file_is_written_in_the_format_of_its_name(call, welcome, tmp_path, name, form):
    welcome.on("GET", f"{ONE}/export", "name: Grüße\n".encode())
    result = call("export", "Welcome", "-o", name)

    assert (result.code, result.out) == (0, "")
    assert (tmp_path / name).read_text(encoding="utf-8") == "name: Grüße\n"
    assert welcome.requests[-1].query == {"format": form}


def test_a_file_that_cannot_be_written_is_said_so(call, welcome):
    welcome.on("GET", f"{ONE}/export", b"x")
    result = call("export", "Welcome", "-o", "missing/w.yaml")

    assert result.code == 1
    assert "cannot write missing/w.yaml" in result.err


# ---------------------------------------------------------------- publish


def test_publish_sends_what_was_asked_for(call, welcome):
    welcome.on("POST", f"{ONE}/publish", workflow(published_version=2))
    welcome.on("GET", ONE, workflow(published_version=2))
    arguments = ["--version", 2, "--in-flight", "cancel", "--accept", "dangling_next"]
    result = call("publish", "Welcome", *arguments)

    assert result.code == 0
    assert "version" in result.out
    (request,) = welcome.sent("POST")
    assert request.body == {"version": 2, "in_flight": "cancel", "accept": ["dangling_next"]}


def test_by_default_the_latest_version_is_published_and_contacts_finish_on_theirs(call, welcome):
    welcome.on("POST", f"{ONE}/publish", workflow(published_version=2))
    result = call("publish", "Welcome", "--json")

    assert result.json["id"] == WORKFLOW_ID
    assert welcome.sent("POST")[0].body == {"in_flight": "pin", "accept": []}


def test_a_refused_publish_tells_why(call, welcome):
    problem = {"code": "has_errors", "detail": "version 2 has 1 error", "diagnostics": [diagnostic()]}
    welcome.on("POST", f"{ONE}/publish", problem, status=409)
    result = call("publish", "Welcome")

    assert (result.code, result.out) == (1, "")
    assert "steps[1].next: error dangling_next leads nowhere" in result.err
    assert "version 2 has 1 error" in result.err


COMMAND_ID = "0190a2b4-0000-8000-8000-0000000000c1"
COMMAND = f"/api/v1/commands/{COMMAND_ID}"


def test_a_write_that_is_not_shown_yet_is_asked_for_until_it_is(call, welcome):
    welcome.on("POST", f"{ONE}/publish", {"command_id": COMMAND_ID}, status=202, Location=COMMAND)
    welcome.on("GET", COMMAND, {"command_id": COMMAND_ID, "status": "pending"})
    welcome.on("GET", COMMAND, {"command_id": COMMAND_ID, "status": "accepted", "version": 2})
    result = call("publish", "Welcome")

    assert result.code == 0
    assert [request.path for request in welcome.requests].count(COMMAND) == 2


def test_a_write_that_is_rejected_later_fails(call, welcome):
    welcome.on("POST", f"{ONE}/publish", {"command_id": COMMAND_ID}, status=202, Location=COMMAND)
    rejected = {"command_id": COMMAND_ID, "status": "rejected", "code": "archived", "reason": "it is archived"}
    welcome.on("GET", COMMAND, rejected)
    result = call("publish", "Welcome")

    assert result.code == 1
    assert "it is archived" in result.err


# ---------------------------------------------------------------- the dry run

DRY_RUN = {
    "workflow_id": WORKFLOW_ID,
    "version": 1,
    "contact_id": "ada",
    "enrolled": True,
    "reason": None,
    "steps": [
        {
            "step_id": "hello",
            "step_type": "send_sms",
            "at": AT,
            "status": "completed",
            "input_data": {"body": "Hi Ada"},
            "output_data": {},
            "next": None,
        }
    ],
    "ends": "completed",
}


def test_a_dry_run_shows_the_path(call, welcome):
    welcome.on("POST", f"{ONE}/test", DRY_RUN)
    result = call("test", "Welcome", "--contact", "ada")

    assert result.code == 0
    assert welcome.requests[-1].query == {"contact_id": "ada"}
    assert all(word in result.out for word in ("hello", "send_sms", "Hi Ada", AT, "ends: completed"))


def test_a_dry_run_may_be_told_what_comes_while_the_contact_waits(call, welcome):
    welcome.on("POST", f"{ONE}/test", DRY_RUN)
    call(
        "test",
        "Welcome",
        "--contact",
        "ada",
        "--event",
        'contact.sms_received {"body": "yes"}',
        "--event",
        "order.paid",
    )

    events = [{"type": "contact.sms_received", "data": {"body": "yes"}}, {"type": "order.paid", "data": {}}]
    assert welcome.requests[-1].body == {"events": events}


def test_a_dry_run_says_why_nobody_would_be_enrolled(call, welcome):
    welcome.on("POST", f"{ONE}/test", {**DRY_RUN, "enrolled": False, "reason": "already_enrolled", "steps": []})
    result = call("test", "Welcome", "--contact", "ada")

    assert result.code == 0
    assert "would not be enrolled: already_enrolled" in result.out


def test_a_dry_run_as_json_is_the_apis_answer(call, welcome):
    welcome.on("POST", f"{ONE}/test", DRY_RUN)

    assert call("test", "Welcome", "--contact", "ada", "--json").json == DRY_RUN


def test_text_from_a_contact_cannot_steer_the_terminal(call, welcome):
    step = {**DRY_RUN["steps"][0], "input_data": {"body": "\x1b[2J[red]boo[/red]"}}
    welcome.on("POST", f"{ONE}/test", {**DRY_RUN, "steps": [step]})
    result = call("test", "Welcome", "--contact", "ada")

    assert "\x1b" not in result.out
    assert "[red]boo[/red]" in result.out


# ---------------------------------------------------------------- incidents and dead letters


def incident(number, **changes):
    return {
        "id": f"{number:08x}-0000-8000-8000-000000000000",
        "enrollment_id": ENROLLMENT_ID,
        "contact_id": "ada",
        "workflow_id": WORKFLOW_ID,
        "step_id": "hello",
        "code": "provider_unknown",
        "message": "nobody knows whether the SMS left",
        "status": "open",
        "opened_at": AT,
        "resolved_at": None,
        **changes,
    }


@pytest.fixture
def incidents(headrace):
    found = [incident(0x1A), incident(0x2A), incident(0x2B, status="resolved")]
    headrace.on("GET", "/api/v1/incidents", page(*found))
    for one in found:
        headrace.on("GET", f"/api/v1/incidents/{one['id']}", one)
    return found


def test_open_incidents_are_listed_by_default(call, headrace, incidents):
    for arguments in (["incidents"], ["incidents", "list"], ["incidents", "--json"]):
        assert call(*arguments).code == 0
    assert {request.query["status"] for request in headrace.requests} == {"open"}


def test_all_incidents_are_listed_when_asked_for(call, headrace, incidents):
    assert len(call("incidents", "--status", "all", "--json").json["items"]) == 3
    assert "status" not in headrace.requests[-1].query


def test_a_list_ends_at_its_limit(call, incidents):
    assert len(call("incidents", "--limit", 1, "--json").json["items"]) == 1


def test_an_incident_is_shown_by_its_id_or_its_beginning(call, incidents):
    whole, beginning = call("incidents", "show", incidents[0]["id"]), call("incidents", "show", "0000001")

    assert whole == beginning
    assert "nobody knows whether the SMS left" in whole.out
    assert call("incidents", "show", "0000001", "--json").json == incidents[0]


@pytest.mark.parametrize(("text", "problem"), [("0000002", "2 have an id that begins so"), ("f", "there is none")])
def test_a_beginning_that_fits_not_just_one_is_refused(call, incidents, text, problem):
    result = call("incidents", "show", text)

    assert result.code == 1
    assert problem in result.err


@pytest.mark.parametrize("how", ["again", "succeeded", "skip"])
def test_an_incident_is_retried_through_its_enrollment(call, headrace, incidents, how):
    headrace.on("POST", f"/api/v1/enrollments/{ENROLLMENT_ID}/retry", enrollment())
    result = call("incidents", "retry", "0000001", "--as", how)

    assert result.code == 0
    assert headrace.sent("POST")[0].body == {"as": how}


def test_a_resolved_incident_is_not_retried(call, headrace, incidents):
    result = call("incidents", "retry", "0000002b")

    assert result.code == 1
    assert "is resolved" in result.err
    assert headrace.sent("POST") == []


def enrollment(**changes):
    return {
        "id": ENROLLMENT_ID,
        "workflow_id": WORKFLOW_ID,
        "version": 1,
        "contact_id": "ada",
        "status": "active",
        "current_step": "hello",
        "state": {},
        "next_action_at": None,
        "enrolled_at": AT,
        "completed_at": None,
        "exit_reason": None,
        **changes,
    }


@pytest.fixture
def dead_letter(headrace):
    letter = {
        "id": "contact-events/0/7",
        "reason": "bad_json",
        "message": "expected JSON",
        "topic": "contact-events",
        "partition": 0,
        "offset": 7,
        "key": "ada",
        "value": "{",
        "value_base64": "ew==",
        "headers": {},
        "at": AT,
        "status": "open",
        "replayed_at": None,
        "replayed_by": None,
    }
    headrace.on("GET", "/api/v1/dead-letters", page(letter))
    return letter


def test_dead_letters_are_listed_and_shown(call, dead_letter):
    assert "bad_json" in call("dead-letters").out
    assert call("dead-letters", "list", "--json").json == {"items": [dead_letter]}
    assert "ew==" in call("dead-letters", "show", "contact-events/0/7").out
    assert call("dead-letters", "show", "contact", "--json").json == dead_letter


def test_an_unknown_dead_letter_is_not_found(call, dead_letter):
    assert call("dead-letters", "show", "x").code == 1


# ---------------------------------------------------------------- servers that are not Headrace


@pytest.fixture
def web_site():
    """The address of a server that knows nothing but its own page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_another_server_is_told_from_headrace(command, web_site):
    result = command("workflows", "--url", web_site)

    assert result.code == 3
    assert "is it another server?" in result.err


def test_a_server_that_breaks_off_is_not_reached(command):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())  # noqa: PLW0108 - accepts in the thread
        thread.start()
        result = command("workflows", "--url", f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()

    assert result.code == 3


def test_json_output_is_one_document_even_when_notes_are_made(call, headrace):
    headrace.on("GET", WORKFLOWS, page())

    assert json.loads(call("workflows", "--json").out) == {"items": []}
