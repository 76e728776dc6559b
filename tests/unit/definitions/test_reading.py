"""What YAML and JSON text means to us: words, numbers, keys, anchors, documents."""

import pytest

from schemas.definition import parse, parse_all, secret_warnings, template_warnings
from schemas.definition.positions import locate

TAIL = "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: delay}]\n"


def value_of(text):
    return parse(f"version: {text}\n".encode() + TAIL.encode()).document["version"]


@pytest.mark.parametrize(
    "text", ["no", "on", "NO", "Yes", "off", "True", "FALSE", "Null", "NULL", "010", "0x1F", "0o17", "1_000", "12:30:45",
             "2026-01-31", "2026-01-31T09:05:00Z", "+15551234567", ".5", "5.", ".inf", "-.INF", ".nan", "=", "1e", "--1"],
)  # fmt: skip
def test_these_words_stay_text(text):
    assert value_of(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("7", 7), ("-7", -7), ("0.5", 0.5),
     ("1e5", 100000.0), ("'7'", "7"), ('"true"', "true"), ("!!str 7", "7"), ("!!int 7", 7), ("!!float 7", 7.0),
     ("!!bool true", True), (str(2**63 - 1), 2**63 - 1)],
)  # fmt: skip
def test_these_are_values(text, value):
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_keys_are_text_as_they_are_written():
    document = parse(b"{true: 1, no: 2, 010: 3, 1: 4, null: 5}", format="yaml").document
    assert document == {"true": 1, "no": 2, "010": 3, "1": 4, "null": 5}


def test_branches_may_be_written_as_booleans_or_as_text():
    plain = parse(b'name: W\nbranches: {true: a, "false": b}\n').document["branches"]
    assert plain == {"true": "a", "false": "b"}
    assert parse(b'{"branches": {"true": "a", "false": "b"}}').document["branches"] == plain


def test_anchors_stand_for_what_they_name():
    parsed = parse(b"a: &x {b: [1, 2]}\nc: *x\nd: &t text\ne: *t\n")
    assert parsed.document == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": "text", "e": "text"}


def test_a_merged_mapping_gives_what_the_mapping_itself_does_not_say():
    parsed = parse(b"base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\none:\n  y: 0\n  <<: [*b, *m]\n  w: 5\n")
    assert parsed.document["one"] == {"y": 0, "x": 1, "z": 4, "w": 5}
    assert list(parsed.document["one"]) == ["y", "x", "z", "w"]


def test_a_quoted_merge_key_is_a_key():
    assert parse(b'"<<": {a: 1}\n').document == {"<<": {"a": 1}}


def test_a_workflow_may_use_anchors_for_its_steps():
    parsed = parse(
        b"name: W\ntrigger: {type: manual}\nsteps:\n  - &s {id: a, type: delay, config: {duration: 1}}\n  - {<<: *s, id: b}\n"
    )
    assert parsed.diagnostics == ()
    assert [step["id"] for step in parsed.document["steps"]] == ["a", "b"]


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_files_of_windows_are_read_with_the_same_positions(bom, line_end):
    parsed = parse(bom + line_end.join([b"name: W", b"trigger: {type: nope}", b"steps: [{id: a, type: delay}]"]))
    assert [(one.line, one.column) for one in parsed.diagnostics] == [(2, 17)]


def test_positions_are_those_of_characters_not_of_bytes():
    parsed = parse('{"näme": "ü", "x": 1}'.encode(), format="json")
    assert locate(parsed.root, ("x",)).value == (1, 20)
    parsed = parse('{"näme": "ü", "x": 1}'.encode(), format="yaml")
    assert locate(parsed.root, ("x",)).value == (1, 20)


@pytest.mark.parametrize(
    ("filename", "data", "format"),
    [
        ("w.json", b"[]", "json"),
        ("w.yaml", b"{}", "yaml"),
        ("w.YML", b"{}", "yaml"),
        (None, b' \n {"name": "W"}', "json"),
        (None, b"name: W", "yaml"),
        ("w.txt", b"name: W", "yaml"),
    ],
)
def test_the_format_is_known_by_the_name_else_by_the_first_character(filename, data, format):
    assert parse(data, filename=filename).format == format


def test_yaml_and_json_of_the_same_document_have_the_same_digest():
    assert (
        parse(b'{"a": [1, "x", null, true, 1.5]}', format="yaml").digest == parse(b'{"a":[1,"x",null,true,1.5]}').digest
    )


# ---------------------------------------------------------------- several documents

STREAM = b"""# a template and a workflow
kind: template
name: welcome
channel: sms
body: Hi {{first_name}}
---
name: W
trigger: {type: manual}
steps:
  - {id: a, type: send_sms, config: {template: welcome}}
  - {id: b, type: nope}
---
"""


def test_a_stream_gives_every_document_with_lines_of_the_file():
    template, workflow = parse_all(STREAM)
    assert (template.kind, template.name, template.template.body) == ("template", "welcome", "Hi {{first_name}}")
    assert (workflow.kind, workflow.name, workflow.template) == ("workflow", "W", None)
    assert [(one.code, one.line) for one in workflow.diagnostics] == [("unknown_step_kind", 11)]


def test_each_document_of_a_stream_has_its_own_source():
    template, workflow = parse_all(STREAM)
    assert template.source.endswith("{{first_name}}\n")
    assert workflow.source.startswith("---\nname: W")


def test_documents_before_an_error_of_syntax_are_read():
    first, second = parse_all(TAIL.encode() + b"---\nname: [\n")
    assert not first.unreadable
    assert [(one.code, one.line) for one in second.diagnostics] == [("yaml_syntax", 6)]


def test_where_one_is_expected_several_are_refused():
    parsed = parse(STREAM)
    assert parsed.unreadable
    assert [(one.code, one.line) for one in parsed.diagnostics] == [("several_documents", 7)]


# ---------------------------------------------------------------- templates


def test_a_document_is_a_workflow_unless_it_or_the_caller_says_otherwise():
    body = b'{"name": "t", "channel": "email", "subject": "s", "html": "<p>x</p>"}'
    assert parse(body).kind == "workflow"
    parsed = parse(body, kind="template")
    assert parsed.diagnostics == ()
    assert (parsed.template.name, parsed.template.subject, parsed.template.html) == ("t", "s", "<p>x</p>")


def test_a_template_of_sendgrid_needs_no_text():
    parsed = parse(b"kind: template\nname: t\nchannel: email\nsendgrid_template_id: d-1\n")
    assert parsed.diagnostics == ()
    assert parsed.template.sendgrid_template_id == "d-1"


def test_only_secrets_that_are_not_there_are_warned_of():
    workflow = parse(
        b"name: W\ntrigger: {type: manual}\nsteps:\n"
        b"  - id: a\n    type: http_request\n    config:\n      url: https://example.com\n"
        b"      headers: {Authorization: 'Bearer {{ secrets.KNOWN }}'}\n"
        b"      body: |\n        one\n        {{ secrets.GONE }}\n"
    )
    assert workflow.diagnostics == ()
    (found,) = secret_warnings(workflow, {"KNOWN"})
    assert (found.code, found.severity, found.path, found.line) == (
        "unknown_secret",
        "warning",
        "steps[0].config.body",
        11,
    )
    assert "HEADRACE_SECRET_GONE" in found.hint


def test_only_templates_that_are_not_there_for_the_channel_are_warned_of():
    workflow = parse(
        b"name: W\ntrigger: {type: manual}\nsteps:\n"
        b"  - {id: a, type: send_sms, config: {template: one}}\n"
        b"  - {id: b, type: send_email, config: {template: one}}\n"
        b"  - {id: c, type: send_sms, config: {template: two}}\n"
    )
    one = parse(b"kind: template\nname: one\nchannel: sms\nbody: hi\n").template
    found = template_warnings(workflow, {"one": one})
    assert [(warning.line, warning.path) for warning in found] == [
        (5, "steps[1].config.template"),
        (6, "steps[2].config.template"),
    ]
    assert "the one of this name is for sms" in found[0].message
    assert [warning.path for warning in template_warnings(workflow.document, {"one": one})] == [
        warning.path for warning in found
    ]
