"""DESIGN 5.2, definitions: parsing, drafts with diagnostics, versions, export, templates; both formats mean the same."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.headrace import fresh, step

SEEDS = Path(__file__).parents[2] / "examples"
YAML_SEED = (SEEDS / "new-lead-welcome.yaml").read_bytes()
JSON_SEED = (SEEDS / "new-lead-welcome.json").read_bytes()
DIAGNOSTIC = {"code", "severity", "path", "line", "column", "message", "hint"}
NEXT = step("t", "add_tag", tag="t")


def document(**more):
    return {"name": fresh("definition"), "trigger": {"type": "manual"}, "steps": [NEXT]} | more


def export(headrace, workflow, form, **query):
    return headrace.get(f"/workflows/{workflow['id']}/export", params={"format": form, **query})


def test_users_yaml_example_publishes_as_it_stands(headrace):
    draft = headrace.upload("/workflows", YAML_SEED)
    assert (draft["name"], draft["status"], draft["published_version"]) == ("New Lead Welcome Sequence", "draft", None)
    assert [one["severity"] for one in draft["diagnostics"]] == ["warning"] * 3
    published = headrace.post(f"/workflows/{draft['id']}/publish")
    assert (published["status"], published["version"], published["published_version"]) == ("active", 1, 1)
    headrace.post(f"/workflows/{draft['id']}/archive")  # other tests' contacts come by facebook, too


def test_users_json_example_is_a_draft_until_its_dangling_end_is_accepted(headrace):
    draft = headrace.call(
        "POST",
        "/api/v1/workflows?publish=true",
        data=JSON_SEED,
        headers={"content-type": "application/json"},
        expect=201,
    )
    assert draft["status"] == "draft"
    (dangling,) = draft["diagnostics"]
    assert set(dangling) == DIAGNOSTIC
    assert (dangling["code"], dangling["severity"], dangling["path"]) == ("dangling_next", "error", "steps[1].next")
    assert JSON_SEED.decode().splitlines()[dangling["line"] - 1].strip() == '"next": "step_3"'
    refused = headrace.post(f"/workflows/{draft['id']}/publish", expect=409)
    assert refused["diagnostics"] == draft["diagnostics"]
    accepted = headrace.post(f"/workflows/{draft['id']}/publish", {"accept": ["dangling_next"]})
    assert accepted["status"] == "active"
    contact_id = headrace.contact()
    headrace.send(contact_id, "contact.tag_added", {"tag": "new_lead"})
    (enrollment,) = headrace.enrollments(accepted, contact_id)
    wait = headrace.step(enrollment, "step_2", "running")
    assert wait["input_data"] == {"seconds": 86_400.0}
    assert [one["body"] for one in headrace.messages(enrollment)] == ["Hi Ada, thanks for your interest!"]
    headrace.post(f"/workflows/{draft['id']}/archive")


BROKEN = {
    "dangling branch": (
        document(steps=[step("c", "condition", field="x", operator="exists", branches={"true": "nowhere"})]),
        "dangling_branch",
        True,
    ),
    "duplicate id": (document(steps=[NEXT, NEXT]), "duplicate_step_id", False),
    "a step called end": (document(steps=[step("end", "exit")]), "reserved_step_id", False),
    "dangling on_failure": (
        document(steps=[step("t", "add_tag", tag="t", on_failure="away")]),
        "dangling_on_failure",
        False,
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_does_not_hold_together_is_a_draft_and_is_not_published(headrace, case):
    definition, code, acceptable = BROKEN[case]
    draft = headrace.draft(definition)
    assert draft["status"] == "draft"
    assert code in [one["code"] for one in draft["diagnostics"] if one["severity"] == "error"]
    problem = headrace.post(f"/workflows/{draft['id']}/publish", expect=409)
    assert problem["code"] == "has_errors"
    headrace.post(f"/workflows/{draft['id']}/publish", {"accept": ["dangling_next"]}, expect=200 if acceptable else 409)


UNREADABLE = {
    "no name": ({"trigger": {"type": "manual"}, "steps": [NEXT]}, "missing_key", ""),
    "no trigger": ({"name": "x", "steps": [NEXT]}, "missing_key", ""),
    "no steps": (document(steps=[]), "empty", "steps"),
    "unknown key": (document(surprise=1), "unknown_key", "surprise"),
    "unknown step kind": (document(steps=[step("t", "send_smss", body="x")]), "unknown_step_kind", "steps[0].type"),
    "unknown trigger": (document(trigger={"type": "contact_creatd"}), "unknown_trigger", "trigger.type"),
    "unknown config key": (
        document(steps=[step("t", "add_tag", tag="t", tags=1)]),
        "unknown_key",
        "steps[0].config.tags",
    ),
    "unknown operator": (
        document(steps=[step("c", "condition", field="x", operator="equal", value=1)]),
        "unknown_operator",
        "steps[0].config.operator",
    ),
    "wrong type": (document(steps=[step("t", "add_tag", tag=["a"])]), "wrong_type", "steps[0].config.tag"),
    "negative delay": (document(steps=[step("d", "delay", duration=-1)]), "out_of_range", "steps[0].config.duration"),
    "bad weights": (document(steps=[step("s", "ab_split", weights=[1])]), "bad_weights", "steps[0].config.weights"),
    "bad liquid": (
        document(steps=[step("s", "send_sms", body="{{ first_name ")]),
        "bad_liquid",
        "steps[0].config.body",
    ),
    "bad regex": (
        document(trigger={"type": "sms_received", "config": {"matches": "("}}),
        "bad_regex",
        "trigger.config.matches",
    ),
    "unknown branch": (
        document(steps=[step("c", "condition", field="x", operator="exists", branches={"maybe": "end"})]),
        "unknown_branch",
        "steps[0].branches.maybe",
    ),
    "a kind of later": (document(steps=[step("w", "wait_until", name="x")]), "not_available", "steps[0].type"),
}


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("case", UNREADABLE)
def test_what_breaks_the_schema_is_refused_with_its_place(headrace, case, form):
    definition, code, path = UNREADABLE[case]
    given = definition if form == "json" else yaml.safe_dump(definition, sort_keys=False)
    problem = headrace.upload("/workflows", given, expect=422)
    assert problem["code"] == "unreadable_definition"
    found = [one for one in problem["diagnostics"] if one["code"] == code]
    assert found, problem
    assert set(found[0]) == DIAGNOSTIC
    assert found[0]["path"].startswith(path)
    assert found[0]["line"] >= 1
    assert found[0]["column"] >= 1


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("name: x\n  bad: [\n", 2),
        ("name: x\nsteps:\n\t- id: a\n", 3),
        ("name: x\nname: y\n", 2),
        ("a: &a [1, 2]\nb: *c\n", 2),
        ("name: x\nsteps: !!python/object:os.system []\n", 2),
        ("name: x\x00\n", 1),
        ("", 1),
        ("- 1\n- 2\n", 1),
    ],
)
def test_broken_yaml_names_its_line(headrace, source, line):
    problem = headrace.upload("/workflows", source, expect=422)
    assert problem["diagnostics"][0]["line"] == line


def test_alias_bomb_wrong_encoding_and_size_are_refused(headrace):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(8)
    )
    assert headrace.upload("/workflows", bomb, expect=422)["diagnostics"][0]["code"] == "alias_bomb"
    assert headrace.upload("/workflows", b"name: \xff\xfe\n", expect=422)["diagnostics"][0]["code"] == "bad_encoding"
    big = b"name: x\n# " + b"x" * (1024 * 1024)
    assert headrace.upload("/workflows", big, expect=413)["status"] == 413


def test_yaml_words_stay_text(headrace):
    source = f"""
name: {fresh("words")}
trigger: {{type: event, config: {{name: on}}}}
steps:
  - {{id: no, type: add_tag, config: {{tag: NO}}}}
  - {{id: date, type: update_field, config: {{field: when, value: 2026-01-31}}}}
  - id: ask
    type: condition
    config: {{field: tags, operator: contains, value: off}}
    branches: {{true: end, false: end}}
"""
    workflow = headrace.upload("/workflows?publish=true", source)
    kept = export(headrace, workflow, "json")
    assert kept["trigger"]["config"]["name"] == "on"
    assert kept["steps"][0]["config"]["tag"] == "NO"
    assert kept["steps"][0]["id"] == "no"
    assert kept["steps"][1]["config"]["value"] == "2026-01-31"
    assert kept["steps"][2]["branches"] == {"true": "end", "false": "end"}


def test_anchors_and_merge_keys_are_written_out(headrace):
    source = f"""
name: {fresh("anchors")}
trigger: {{type: manual}}
steps:
  - &hi {{id: one, type: send_sms, config: {{body: x}}}}
  - <<: *hi
    id: two
"""
    workflow = headrace.upload("/workflows?publish=true", source)
    assert export(headrace, workflow, "json")["steps"][1] == {"type": "send_sms", "config": {"body": "x"}, "id": "two"}


EVERYTHING = {
    "description": "every word of the language",
    "version": "2.1",
    "triggers": [
        {"type": "contact_created", "conditions": [{"field": "source", "operator": "equals", "value": "no one"}]},
        {
            "type": "tag_added",
            "config": {"tag": "t"},
            "conditions": {"any": [{"not": {"field": "x", "operator": "exists"}}]},
        },
        {"type": "sms_received", "config": {"matches": "^x"}},
        {"type": "field_updated", "config": {"field": "f", "from": 1, "to": None}},
        {"type": "event", "config": {"name": "e"}},
        {"type": "manual"},
    ],
    "reentry": "always",
    "defaults": {"retry": {"max_attempts": 2, "backoff": "5s", "max_backoff": 60}, "on_failure": "continue"},
    "steps": [
        step("sms", "send_sms", body="a: 'b' \"c\" {{first_name}}\nline two ", to="+1555", next="http"),
        step(
            "http", "webhook", url="https://example.com", json={"n": 1.5, "t": True, "z": None, "l": []}, success=[200]
        ),
        step(
            "when",
            "condition",
            field="x",
            operator="within_last",
            value=3,
            unit="days",
            branches={"true": "ab", "false": "end"},
        ),
        step("ab", "ab_split", paths=["no", "yes"], weights=[0.3, 0.7], branches={"no": "out", "yes": "end"}),
        step("out", "exit", reason="done", name="The last one", retry={"max_attempts": 1}, on_failure="incident"),
    ],
}


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_export_and_import_mean_the_same_and_keep_the_order(headrace, form):
    original = {"name": fresh("everything"), **EVERYTHING}
    workflow = headrace.publish(original)
    for target in ("json", "yaml"):
        exported = export(headrace, workflow, target)
        again = headrace.upload(f"/workflows/{workflow['id']}/import", exported, expect=200)
        assert again["version"] == 1, "the very same content"
        if target == "json":
            assert json.dumps(exported) == json.dumps(original), "nothing lost, nothing added, all in its order"
    source = export(headrace, workflow, form)
    copy = headrace.upload("/workflows", source)
    assert export(headrace, copy, "yaml") == export(headrace, workflow, "yaml")
    assert copy["id"] != workflow["id"], "names need not be unique"


def test_export_headers_and_versions(headrace):
    import requests

    first = document()
    workflow = headrace.publish(first)
    second = first | {"steps": [NEXT, step("more", "exit")]}
    headrace.upload(f"/workflows/{workflow['id']}/import", second)
    url = f"{headrace.url}/api/v1/workflows/{workflow['id']}/export"
    plain = requests.get(url, timeout=30)
    assert plain.headers["content-type"].startswith("application/json")
    assert plain.json() == first, "by default JSON, and the published version"
    assert requests.get(url, params={"version": 2}, timeout=30).json() == second
    text = requests.get(url, params={"format": "yaml"}, timeout=30)
    assert "yaml" in text.headers["content-type"]
    assert requests.get(url, params={"format": "xml"}, timeout=30).status_code == 400
    assert requests.get(url, params={"version": 3}, timeout=30).status_code == 404
    draft = headrace.draft(document(steps=[step("only", "exit")]))
    assert export(headrace, draft, "json")["steps"][0]["id"] == "only", "a draft that was never published: its latest"


def test_versions_are_numbered_and_equal_content_answers_the_existing_one(headrace):
    first = document(version=7)
    workflow = headrace.publish(first)
    assert workflow["version"] == 1, "the file's version is information"
    path = f"/workflows/{workflow['id']}/import"
    assert headrace.upload(path, first, expect=200)["version"] == 1
    assert headrace.upload(path, "# a comment\n" + yaml.safe_dump(first), expect=200)["version"] == 1
    second = headrace.upload(path, first | {"description": "changed"})
    assert (second["version"], second["published_version"], second["status"]) == (2, 1, "active")
    versions = headrace.get(f"/workflows/{workflow['id']}/versions")["items"]
    assert [(one["version"], one["status"]) for one in versions] == [(2, "draft"), (1, "published")]
    headrace.post(f"/workflows/{workflow['id']}/publish")
    versions = headrace.get(f"/workflows/{workflow['id']}/versions")["items"]
    assert [(one["version"], one["status"]) for one in versions] == [(2, "published"), (1, "retired")]
    detail = headrace.get(f"/workflows/{workflow['id']}/versions/1")
    assert detail["document"] == first
    assert headrace.upload(path, first, expect=200)["published_version"] == 2
