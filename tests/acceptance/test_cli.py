"""DESIGN 5.4, the command line against a running `headrace dev`: what each command answers as JSON, and its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.support.headrace import fresh, step

ROOT = Path(__file__).parents[2]
DONE, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3


class Ran(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(headrace, tmp_path):
    """Runs `headrace ...` in an empty directory, as a process of its own, towards the running dev."""

    def command(*arguments: object, expect: int = DONE, **environment: str) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        given = {"PYTHONPATH": str(ROOT), "HEADRACE_URL": headrace.url, **environment}
        done = subprocess.run(
            [sys.executable, "-m", "headrace", *map(str, arguments)],
            cwd=tmp_path, env=clean | given, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert ran.code == expect, ran
        assert "Traceback" not in ran.err + ran.out
        return ran

    return command


@pytest.fixture
def file(tmp_path):
    def write(document: Any, name: str = "workflow.yaml") -> Path:
        path = tmp_path / name
        text = (
            document
            if isinstance(document, str)
            else json.dumps(document)
            if name.endswith("json")
            else yaml.safe_dump(document, sort_keys=False)
        )
        path.write_text(text)
        return path

    return write


def definition(name: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "trigger": {"type": "manual"}, "steps": [step("t", "add_tag", tag="t"), *more]}


def test_import_publish_export_and_test(headrace, run, file):
    name = fresh("cli")
    (imported,) = run("import", file(definition(name)), "--json").json["imported"]
    assert (imported["name"], imported["status"], imported["version"]) == (name, "draft", 1)
    again = run("import", file(definition(name), "workflow.json"), "--json").json["imported"][0]
    assert (again["id"], again["version"], again["unchanged"]) == (imported["id"], 1, True)
    published = run("publish", name, "--json").json
    assert (published["status"], published["published_version"]) == ("active", 1)
    second = run("import", file(definition(name, step("more", "exit"))), "--publish", "--json").json["imported"][0]
    assert (second["id"], second["version"], second["published_version"]) == (imported["id"], 2, 2)
    assert run("export", name, "--json").json == definition(name, step("more", "exit"))
    assert yaml.safe_load(run("export", name, "--format", "yaml", "--version", "1").out) == definition(name)
    assert name in [one["name"] for one in run("workflows", "--json", "--limit", "500").json["items"]]
    path = run("test", name, "--contact", headrace.contact(), "--json").json
    assert [one["step_id"] for one in path["steps"]] == ["t", "more"]
    assert "more" in run("test", imported["id"], "--contact", headrace.contact()).out


def test_templates_and_several_documents_in_a_file(headrace, run, file):
    name, template = fresh("cli"), fresh("template")
    documents = [definition(name), {"kind": "template", "name": template, "channel": "sms", "body": "x"}]
    imported = run("import", file(yaml.safe_dump_all(documents)), "--json").json["imported"]
    assert [one["kind"] for one in imported] == ["template", "workflow"]
    assert headrace.get(f"/templates/{template}")["body"] == "x"


def test_import_asks_which_one_is_meant_of_several_of_a_name(headrace, run, file):
    name = fresh("twin")
    twins = [headrace.draft(definition(name)), headrace.draft(definition(name))]
    refused = run("import", file(definition(name, step("x", "exit"))), expect=FAILED)
    assert "--id" in refused.err
    taken = run("import", file(definition(name, step("x", "exit"))), "--id", twins[0]["id"], "--json").json["imported"][
        0
    ]
    assert (taken["id"], taken["version"]) == (twins[0]["id"], 2)


def test_validate_works_offline_and_points_at_line_and_column(run, file):
    good = run("validate", file(definition("good")), "--json", HEADRACE_URL="http://127.0.0.1:9")
    assert (good.json["ok"], good.json["errors"]) == (True, 0)
    bad = file(
        "name: bad\ntrigger: {type: manual}\nsteps:\n  - {id: a, type: add_tagg, config: {tag: t}}\n", "bad.yaml"
    )
    found = run("validate", bad, "--json", expect=FAILED).json
    (diagnostic,) = found["files"][0]["documents"][0]["diagnostics"]
    assert (diagnostic["code"], diagnostic["line"], diagnostic["column"]) == ("unknown_step_kind", 4, 19)
    assert "bad.yaml:4:19" in run("validate", bad, expect=FAILED).out


def test_definitions_that_cannot_be_read_or_published_say_why(headrace, run, file):
    run("import", file("name: x\n  y: ["), expect=FAILED)
    name = fresh("dangling")
    broken = definition(name, step("b", "add_tag", tag="t", next="away"))
    refused = run("import", file(broken), "--publish", expect=FAILED)
    assert "away" in refused.err
    assert run("publish", name, "--accept", "dangling_next", "--json").json["status"] == "active"


def test_incidents_are_listed_and_retried(headrace, run):
    workflow = headrace.workflow(step("hi", "send_sms", body="x"), step("t", "add_tag", tag="t"))
    enrollment = headrace.run(workflow, headrace.contact(phone=None), "failed")
    items = run("incidents", "--json", "--limit", "500").json["items"]
    incident = next(one for one in items if one["enrollment_id"] == enrollment["id"])
    assert run("incidents", "show", incident["id"], "--json").json == incident
    run("incidents", "retry", incident["id"], "--as", "skip", "--json")
    headrace.until(enrollment["id"], "completed")
    run("incidents", "retry", incident["id"], expect=FAILED)


def test_why_and_how_it_was(headrace, run):
    trigger = {"type": "event", "config": {"name": fresh("signed.up")}}
    asked = [{"field": "plan", "operator": "equals", "value": "pro"}]
    check = step("check", "condition", field="first_name", operator="equals", value="Ada", branches={"false": "no"})
    steps = check, step("yes", "add_tag", tag="yes", next="end"), step("no", "add_tag", tag="no")
    workflow = headrace.workflow(*steps, trigger=trigger | {"conditions": asked})
    contact = headrace.contact(custom_fields={"plan": "free"})
    headrace.send(contact, trigger["config"]["name"], {})
    before = headrace.get(f"/contacts/{contact}")
    told = run("why", contact, workflow["name"], "--json").json
    assert [(one["reason"], one["recomputed"]) for one in told["considered"]] == [("conditions", True)]
    assert 'plan equals "pro": false, it was "free"' in run("why", contact, workflow["id"]).out
    headrace.send(contact, "contact.field_updated", {"field": "plan", "value": "pro"})
    headrace.send(contact, trigger["config"]["name"], {})
    (enrollment,) = headrace.enrollments(workflow, contact)
    headrace.until(enrollment["id"], "completed")
    told = run("why", contact, workflow["name"], "--json").json
    assert [one["enrolled"] for one in told["considered"]] == [False, True]
    assert told["considered"][1]["conditions"][0]["actual"] == "pro"
    assert "took branch true to yes" in run("why", contact, "--enrollment", enrollment["id"], "--step", "no").out
    assert headrace.get(f"/contacts/{contact}?at={before['updated_at']}") == before
    refused = run("why", contact, workflow["name"], "--at", "2999-01-01", expect=FAILED)
    assert "at: expected a moment in the past" in refused.err


def test_dead_letters_and_doctor(run):
    assert run("dead-letters", "--json").json == {"items": []}
    health = run("doctor", "--json", HEADRACE_PORT="0", HEADRACE_PROVIDERS_PORT="0").json
    assert health["ok"] is True
    assert next(one for one in health["checks"] if one["check"] == "api")["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("frobnicate",), USAGE, "No such command"),
        (("publish",), USAGE, "WORKFLOW"),
        (("publish", "no workflow of this name"), FAILED, "no workflow"),
        (("export", "00000000-0000-0000-0000-000000000000"), FAILED, "no workflow"),
        (("test", "no workflow of this name", "--contact", "x"), FAILED, "no workflow"),
        (("import", "nowhere.yaml"), USAGE, "nowhere.yaml"),
        (("validate", "nowhere.yaml"), USAGE, "nowhere.yaml"),
        (("workflows", "--url", "nonsense"), USAGE, "--url"),
        (("workflows", "--url", "http://127.0.0.1:9"), UNREACHABLE, "headrace dev"),
        (("publish", "x", "--in-flight", "explode"), USAGE, "explode"),
    ],
)
def test_wrong_calls_say_what_to_do(run, arguments, code, words):
    assert words in run(*arguments, expect=code).err


def test_version_and_help(run):
    assert run("--version").out.startswith("headrace ")
    listed = run("--help").out
    for command in ("dev", "validate", "import", "export", "publish", "test", "incidents", "dead-letters", "doctor"):
        assert f"  {command} " in listed


def test_the_read_side_is_rebuilt_swapped_and_rolled_back_while_it_is_read(run, headrace):
    contact_id = headrace.contact()
    before = headrace.call("GET", f"/api/v1/contacts/{contact_id}", expect=200)

    report = run("rebuild", "--json").json
    assert report["result"] == "swapped"
    assert [table for table in report["tables"] if not table["equal"]] == []
    assert headrace.call("GET", f"/api/v1/contacts/{contact_id}", expect=200) == before

    headrace.send(contact_id, "contact.field_updated", {"field": "first_name", "value": "Eve"})
    assert "live again" in run("rebuild", "--rollback").out
    after = headrace.call("GET", f"/api/v1/contacts/{contact_id}", expect=200)
    assert after["first_name"] == "Eve"
    assert "timeline, found 'time'" in run("rebuild", "time", expect=FAILED).err
