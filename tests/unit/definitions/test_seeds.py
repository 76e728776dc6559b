"""The user's own examples, verbatim: golden files of what is made of them.

`HEADRACE_UPDATE_GOLDEN=1` writes the files anew; look at the difference before you commit it.
"""

import json
import os
from pathlib import Path

import msgspec
import pytest

from schemas.definition import digest, export, parse, template_warnings

GOLDEN = Path(__file__).parents[2] / "golden" / "definitions"
SEEDS = {name: (GOLDEN / name).read_bytes() for name in ("new-lead-welcome.json", "new-lead-welcome.yaml")}


def is_golden(name, text):
    path = GOLDEN / name
    if os.environ.get("HEADRACE_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("seed", sorted(SEEDS))
def test_what_is_read(seed):
    parsed = parse(SEEDS[seed], filename=seed)
    found = [*parsed.diagnostics, *template_warnings(parsed, {})]
    is_golden(f"{seed}.document.json", json.dumps(parsed.document, indent=2) + "\n")
    is_golden(f"{seed}.diagnostics.json", json.dumps(msgspec.to_builtins(found), indent=2) + "\n")


@pytest.mark.parametrize("format", ["yaml", "json"])
@pytest.mark.parametrize("seed", sorted(SEEDS))
def test_what_is_exported(seed, format):
    parsed = parse(SEEDS[seed], filename=seed)
    text = export(parsed.document, format)
    is_golden(f"{seed}.export.{format}", text)
    assert parse(text.encode(), format=format).digest == parsed.digest


def test_the_json_example_is_a_draft_for_its_one_dangling_next():
    parsed = parse(SEEDS["new-lead-welcome.json"])
    assert not parsed.unreadable
    assert [(one.code, one.line, one.column) for one in parsed.diagnostics] == [("dangling_next", 25, 15)]


def test_the_yaml_example_has_no_finding_but_its_undefined_templates():
    parsed = parse(SEEDS["new-lead-welcome.yaml"])
    assert parsed.diagnostics == ()
    warnings = template_warnings(parsed, {})
    assert [(one.code, one.severity, one.line) for one in warnings] == [
        ("undefined_template", "warning", 15),
        ("undefined_template", "warning", 35),
        ("undefined_template", "warning", 41),
    ]


def test_the_digest_of_an_example_never_changes():
    """Digests are kept for ever: an equal definition must be known again by every later version."""
    assert {name: parse(data).digest[:16] for name, data in SEEDS.items()} == {
        "new-lead-welcome.json": "0fb76a473b3b741c",
        "new-lead-welcome.yaml": "0985b4776ec91cf0",
    }


def test_the_digest_is_of_the_meaning_alone():
    yaml_text = b"# a comment\ntrigger: {type: manual}\nname: 'W'\nsteps:\n- {type: delay, id: a}\n"
    json_text = b'{"name": "W", "trigger": {"type": "manual"}, "steps": [{"id": "a", "type": "delay"}]}'
    assert parse(yaml_text).digest == parse(json_text).digest
    assert digest({"a": 1}) != digest({"a": "1"})
    assert digest({"a": 1}) != digest({"a": True})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
