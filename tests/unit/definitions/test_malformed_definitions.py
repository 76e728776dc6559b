"""Every malformed definition gives its finding at the right place, and never a traceback."""

import pytest

from domain.definition import Diagnostic
from schemas import definition
from schemas.definition import Parsed, parse
from tests.unit.definitions.malformed_json import ALL as JSON
from tests.unit.definitions.malformed_yaml import DRAFTS, UNREADABLE, WARNINGS


def read(source: str | bytes, format: str) -> Parsed:
    return parse(source if isinstance(source, bytes) else source.encode(), format=format)


def the_finding(parsed: Parsed, code: str) -> Diagnostic:
    found = [one for one in parsed.diagnostics if one.code == code]
    assert found, [(one.code, one.line, one.message) for one in parsed.diagnostics]
    return found[0]


def named(table):
    return [pytest.param(*row[1:], id=row[0]) for row in table]


@pytest.mark.parametrize(("source", "code", "line"), named(UNREADABLE))
def test_a_malformed_definition_can_not_be_imported(source, code, line):
    parsed = read(source, "yaml")
    found = the_finding(parsed, code)
    assert (found.line, found.severity) == (line, "error")
    assert found.message
    assert parsed.unreadable
    assert parsed.has_errors
    assert {one.code for one in parsed.diagnostics} == {code}


@pytest.mark.parametrize(("source", "code", "line"), named(DRAFTS))
def test_what_does_not_hold_together_is_imported_as_a_draft(source, code, line):
    parsed = read(source, "yaml")
    assert the_finding(parsed, code).line == line
    assert not parsed.unreadable
    assert parsed.has_errors
    assert [one.code for one in parsed.diagnostics if one.severity == "error"] == [code]


@pytest.mark.parametrize(("source", "code", "line"), named(WARNINGS))
def test_what_is_only_doubtful_is_warned_of(source, code, line):
    parsed = read(source, "yaml")
    found = the_finding(parsed, code)
    assert (found.line, found.severity) == (line, "warning")
    assert not parsed.has_errors
    assert len(parsed.diagnostics) == 1


@pytest.mark.parametrize(("source", "code", "line", "column"), named(JSON))
def test_malformed_json(source, code, line, column):
    parsed = read(source, "json")
    found = the_finding(parsed, code)
    assert (found.line, found.column, found.severity) == (line, column, "error")
    assert {one.code for one in parsed.diagnostics} == {code}


def test_only_a_file_that_is_too_large_is_too_large():
    assert read(b"x" * (1 << 20) + b"x", "yaml").too_large
    assert not read(b"x" * (1 << 20), "yaml").too_large


def test_every_code_is_met_by_some_definition():
    met = {row[2] for row in (*UNREADABLE, *DRAFTS, *WARNINGS, *JSON)}
    by_other_tests = {"undefined_template", "unknown_secret", "bad_config"}
    assert met | by_other_tests == set(definition.CODES)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: send_sms, config: {tempalte: x}}]",
            "unknown key 'tempalte' in the config of send_sms",
            "did you mean 'template'?",
        ),
        (
            "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: delay, config: {unit: day}}]",
            "expected a unit, found the text 'day'",
            "did you mean 'days'?",
        ),
        (
            "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: send-sms, config: {body: x}}]",
            "expected a step kind, found the text 'send-sms'",
            "did you mean 'send_sms'?",
        ),
        (
            "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: add_tag, config: {tag: 2026}}]",
            "expected text for 'tag', found the number 2026",
            'put it in quotes: "2026"',
        ),
        (
            "name: W\ntrigger: {type: manual}\nsteps: [{id: aa, type: delay, retry: {max_atempts: 2}}]",
            "unknown key 'max_atempts' in 'retry' of step 'aa'",
            "did you mean 'max_attempts'?",
        ),
        (
            "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: wait_for_event, config: {event: x}, branches: {timeout: end}}]",
            "expected a branch of wait_for_event, found 'timeout'",
            "add a time-out to its config, as `timeout: 2d`",
        ),
        (
            "name: W\ntrigger: {type: manual}\nsteps:\n- {id: offer, type: send_sms, config: {body: hi}}\n- {id: a, type: wait_for_event, config: {event: {type: delivery, config: {step: ofer, status: sent}}}}",
            "the wait is for the message of 'ofer', and there is no such step",
            "did you mean 'offer'?",
        ),
    ],
)
def test_a_finding_says_what_was_expected_what_was_found_and_how_to_mend_it(source, message, hint):
    found = read(source, "yaml").diagnostics[0]
    assert (found.message, found.hint) == (message, hint)


def test_all_findings_of_a_definition_are_told_at_once():
    source = """
name: 5
trigger: {type: tag_add}
steps:
  - id: a
    type: delay
    config: {duration: -1}
    nxt: b
  - type: send_sms
"""
    assert [(one.line, one.code) for one in read(source, "yaml").diagnostics] == [
        (2, "wrong_type"),
        (3, "unknown_trigger"),
        (7, "out_of_range"),
        (8, "unknown_key"),
        (9, "missing_key"),
        (9, "missing_key"),
    ]


def test_of_a_thousand_findings_the_first_hundred_are_listed():
    source = "name: W\ntrigger: {type: manual}\nsteps:\n" + "  - {id: a, type: delay, x: 1}\n" * 900
    findings = read(source, "yaml").diagnostics
    assert len(findings) == 101
    assert findings[-1].message == "800 more findings are not listed"
