"""`headrace record` and `headrace test FILE`: a history becomes a test, and the test says where another one parts."""

from pathlib import Path

import msgspec
import pytest
import yaml

from domain import command as c
from headrace.compiling import compile_document
from headrace.journal_source import journal_at
from schemas.journal import encode_event
from tests.support.engine_spec import DAY_MS, Spec
from tests.unit.cli.conftest import page, workflow

EXAMPLES = Path(__file__).parents[3] / "examples"
DEFINITION = """name: Welcome
trigger: {type: contact_created}
steps:
  - {id: hi, type: send_sms, config: {body: "Hi {{first_name}}"}}
  - {id: wait, type: delay, config: {duration: 1, unit: days}}
  - id: source
    type: condition
    config: {field: source, operator: equals, value: referral}
    branches: {true: tag, false: end}
  - {id: tag, type: add_tag, config: {tag: friend}}
"""
DOCUMENT = yaml.safe_load(DEFINITION.replace("true:", '"true":').replace("false:", '"false":'))
CONTACT = "contact-00005"


@pytest.fixture
def history(command, headrace, tmp_path, monkeypatch):
    """A simulated history, as a Headrace that serves it would show it."""
    (tmp_path / "welcome.yaml").write_text(DEFINITION)
    into = tmp_path / "data"
    made = command(
        "simulate", "welcome.yaml", "--contacts", "12", "--until", "2026-11-01", "--into", into, "--json"
    ).json
    (simulated,) = made["workflows"]
    monkeypatch.setenv("HEADRACE_DATA_DIR", str(into))
    with journal_at("", here=True) as fetch:
        shown = fetch({"contact_id": CONTACT, "personal": True})
    (enrolled,) = [item["event"] for item in shown["items"] if item["event"]["type"] == "enrolled"]
    monkeypatch.delenv("HEADRACE_DATA_DIR")
    monkeypatch.setenv("HEADRACE_URL", headrace.url)
    at = "2026-03-01T09:00:00Z"
    headrace.on("GET", "/api/v1/journal", shown)
    contact = {"id": CONTACT, "first_name": None, "last_name": None, "email": None, "phone": None, "source": None, "timezone": None, "tags": [], "custom_fields": {}, "created_at": at, "updated_at": at}  # fmt: skip
    headrace.on("GET", f"/api/v1/contacts/{CONTACT}", contact)
    headrace.on("GET", "/api/v1/workflows", page(workflow(id=simulated["id"], name="Welcome")))
    version = {"version": 1, "status": "published", "created_at": at, "published_at": at, "diagnostics": [], "workflow_id": simulated["id"], "name": "Welcome", "format": "yaml", "document": DOCUMENT, "source": DEFINITION, "digest": "d", "templates": {}}  # fmt: skip
    headrace.on("GET", f"/api/v1/workflows/{simulated['id']}/versions/1", version)
    enrollment = {"id": enrolled["enrollment_id"], "workflow_id": simulated["id"], "version": 1, "contact_id": CONTACT, "status": "completed", "current_step": None, "state": {}, "next_action_at": None, "enrolled_at": at, "completed_at": at, "exit_reason": None}  # fmt: skip
    headrace.on("GET", f"/api/v1/enrollments/{enrolled['enrollment_id']}", enrollment)
    (created, *_) = [
        item["event"]["personal"]["data"]["contact"]
        for item in shown["items"]
        if item["event"].get("event_type") == "contact.created"
    ]
    return {"workflow": simulated["id"], "enrollment": enrolled["enrollment_id"], "contact": created, "steps": shown}


def test_a_contacts_history_becomes_a_test_that_passes(command, history):
    recorded = command("record", CONTACT, "-o", "welcome.test.yaml")
    assert (recorded.code, recorded.out) == (0, "")
    assert "1 test was written to welcome.test.yaml: headrace test welcome.test.yaml" in recorded.err

    played = command("test", "welcome.test.yaml", HEADRACE_URL="http://127.0.0.1:1")
    assert played.code == 0
    assert played.out.splitlines() == ["welcome.test.yaml: contact-1 in Welcome: passed", "1 test passed"]


def test_the_person_is_not_in_it(command, history):
    text = command("record", CONTACT).out

    assert [
        secret
        for secret in (CONTACT, *(history["contact"][n] for n in ("last_name", "email", "phone")))
        if secret in text
    ] == []
    assert "person1@example.com" in text
    assert history["contact"]["email"] in command("record", CONTACT, "--personal").out


def test_a_history_that_was_late_held_and_repaired_becomes_a_test_that_passes(command, history, tmp_path):
    late = Spec(compile_document(DOCUMENT, history["workflow"], 1, {}, ()), hold_late_ms=3_600_000)
    late.created(source="referral").started().outcome("succeeded").timer(after_ms=2 * DAY_MS)
    late.on_enrollment(c.RepairEnrollment, how="skip", step_id="wait", visit=1, by="ana", after_ms=3_600_000)
    named = [msgspec.structs.replace(event, contact_id=CONTACT) for event in late.journal]
    history["steps"]["items"] = [
        {"partition": 0, "offset": event.seq, "event": msgspec.json.decode(encode_event(event))} for event in named
    ]

    recorded = command("record", CONTACT, "-o", "late.test.yaml")
    test = yaml.safe_load((tmp_path / "late.test.yaml").read_text())

    assert (recorded.code, command("test", "late.test.yaml").code) == (0, 0)
    assert test["late"] == [{"step": "wait", "by": "1d", "held": True}]
    assert test["when"][-1] == {"at": "2d 1h", "operator": "repair", "as": "skip", "step": "wait"}
    assert test["then"]["steps"][1] == {"step": "wait", "did": "skipped", "code": "repair", "waits": "1d"}


def test_an_enrollment_can_be_named(command, history):
    found = command("record", history["enrollment"], "--json").json

    assert [test["enrollment_id"] for test in found["tests"]] == [history["enrollment"]]
    assert found["tests"][0]["document"]["kind"] == "workflow_test"
    assert found["refused"] == []


def test_another_definition_shows_where_it_parts(command, history, tmp_path):
    command("record", CONTACT, "-o", "welcome.test.yaml")
    (tmp_path / "longer.yaml").write_text(DEFINITION.replace("duration: 1", "duration: 2"))
    result = command("test", "welcome.test.yaml", "--definition", "longer.yaml")

    assert result.code == 1
    assert result.out.splitlines() == [
        "welcome.test.yaml: contact-1 in Welcome: FAILED",
        "  1. hi completed",
        "  2. wait: expected a wait of 1d, found a wait of 2d",
        "1 test, 1 failed",
    ]
    told = command("test", "welcome.test.yaml", "--definition", "longer.yaml", "--json").json
    assert (told["ok"], told["tests"][0]["divergence"]["place"]) == (False, 2)


def test_a_test_may_name_its_definition_beside_it(command, history, tmp_path):
    (tmp_path / "tests").mkdir()
    command("record", CONTACT, "--definition", "welcome.yaml", "-o", "tests/welcome.test.yaml")

    assert yaml.safe_load((tmp_path / "tests/welcome.test.yaml").read_text())["definition"] == "../welcome.yaml"
    assert command("test", "tests/welcome.test.yaml").code == 0
    (tmp_path / "welcome.yaml").write_text(DEFINITION.replace("Hi {{", "Hello {{"))
    assert "1. hi: expected sends.body 'Hi " in command("test", "tests/welcome.test.yaml").out
    (tmp_path / "welcome.yaml").unlink()
    gone = command("test", "tests/welcome.test.yaml")
    assert gone.code == 1
    assert "cannot read the definition" in gone.out


def test_a_definition_that_leads_elsewhere_is_not_written(command, history, tmp_path):
    (tmp_path / "longer.yaml").write_text(DEFINITION.replace("duration: 1", "duration: 2"))
    result = command("record", CONTACT, "--definition", "longer.yaml", "-o", "no.yaml")

    assert result.code == 1
    assert "was not recorded: the definition leads elsewhere, at place 2: wait: expected a wait of 1d" in result.err
    assert not (tmp_path / "no.yaml").exists()


def test_a_workflow_that_the_contact_never_was_in_is_said(command, history, headrace):
    other = "0190a2b4-0000-8000-8000-000000000009"
    headrace.on("GET", f"/api/v1/workflows/{other}", workflow(id=other))
    result = command("record", CONTACT, "--workflow", other)

    assert result.code == 1
    assert "was never in such a workflow" in result.err


def test_what_is_no_test_is_told_with_its_line(command, tmp_path):
    (tmp_path / "broken.yaml").write_text("kind: workflow_test\nname: x\nwhen: 5\n")
    result = command("test", "broken.yaml")

    assert result.code == 1
    assert "line 3, column 7: expected a list for 'when', found the number 5" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test", "Welcome"], "expected a file of workflow tests, or a workflow with --contact ID"),
        (["test", "a", "b", "--contact", "ada"], "expected one workflow with --contact"),
        (["test", "a", "--definition", "nowhere.yaml"], "nowhere.yaml"),
        (["test", "a", "--contact", "ada", "--event", "order.paid 5"], "expected a type and its data as a JSON object"),
        (["test", "a", "--event", "order.paid"], "expected --event together with --contact"),
        (["test"], "WORKFLOW|FILE"),
        (["record"], "CONTACT|ENROLLMENT"),
    ],
)
def test_a_wrong_call_is_told_the_mend(command, arguments, words):
    result = command(*arguments)

    assert result.code == 2
    assert words in result.err
