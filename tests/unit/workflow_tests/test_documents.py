"""A workflow test as a document: what is written reads back as the same, and what is wrong is told where."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.definition import TemplateText
from domain.spans import format_span, read_since_ms, read_span_ms
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Fact, Lateness, Wish
from schemas.definition import export
from schemas.workflow_tests import read_tests, write_test
from tests.support.engine_spec import DAY_MS
from tests.unit.domain.test_recording import happy, recorded

FULL = replace(
    recorded(happy()),
    last_sms_reply="hey",
    enrolled_before=2,
    phone_region="DE",
    opted_out=(Consent(channel="email", address="a@b.test", reason="bounced"),),
    happens=(
        Fact(at_ms=0, type="contact.created", data={"contact": {"tags": ["a"]}}),
        Fact(at_ms=5, type="x", data={"n": [1, None]}, source="crm", time="2026-01-01T00:00:00Z", hops=3),
        Wish(at_ms=DAY_MS, what="pause"),
        Consent(at_ms=DAY_MS + 5, channel="sms", address="+1", allowed=True, reason="opted_in"),
        Delivery(at_ms=DAY_MS + 6, step="hi", visit=2, channel="sms", status="undelivered", code="30003"),
        Wish(at_ms=2 * DAY_MS, what="retry", how="again"),
        Wish(at_ms=2 * DAY_MS, what="repair", how="exit", step="wait", visit=2),
    ),
    outcomes=(
        AttemptOutcome(step="hi", after_ms=1_250, provider_id="p", output={"a": 1}, state={"s": True}),
        AttemptOutcome(step="hi", visit=2, attempt=3, outcome="failed", code="busy", message="no", retry_after_ms=90),
        AttemptOutcome(step="thanks", outcome="open"),
    ),
    late=(
        Lateness(step="hi", attempt=0, late_ms=300_000),
        Lateness(step="wait", visit=2, late_ms=61_000),
        Lateness(step="hi", attempt=2, late_ms=DAY_MS, held=True),
    ),
)
TEMPLATES = {"t": TemplateText(name="t", channel="email", subject="S", body="B")}


def written(test=FULL, definition="welcome.yaml"):
    return write_test(test, workflow_name="Welcome", definition=definition, templates=TEMPLATES)


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_written_reads_back_as_the_same(form):
    (read,) = read_tests(export(written(), form).encode(), f"test.{form}")

    assert read.diagnostics == ()
    assert read.test == FULL
    assert (read.name, read.workflow_name, read.definition) == (FULL.name, "Welcome", "welcome.yaml")
    assert read.templates == TEMPLATES


def test_it_is_written_to_be_read_by_people():
    document = written(recorded(happy()))

    assert list(document) == [
        "kind",
        "name",
        "workflow",
        "given",
        "when",
        "outcomes",
        "lasts",
        "then",
        "definition",
        "templates",
    ]
    assert document["when"][1]["at"] == "1m"
    assert document["then"]["steps"][1:3] == [{"step": "wait", "waits": "1d"}, {"step": "replied", "branch": "true"}]


def test_lateness_and_repairs_are_written_as_they_are_told():
    document = written()

    assert document["when"][-1] == {"at": "2d", "operator": "repair", "as": "exit", "step": "wait", "visit": 2}
    assert document["late"] == [
        {"step": "hi", "attempt": 0, "by": "5m"},
        {"step": "wait", "visit": 2, "by": "1m 1s"},
        {"step": "hi", "attempt": 2, "by": "1d", "held": True},
    ]


def test_the_document_of_the_reference_is_one():
    text = (Path(__file__).parents[3] / "docs/reference/workflow-tests.md").read_text()
    (read,) = read_tests(text.split("```yaml")[1].split("```")[0].encode(), "example.yaml")

    assert read.diagnostics == ()
    assert {one.what for one in read.test.happens if isinstance(one, Wish)} == {"pause", "repair"}
    assert [one.held for one in read.test.late] == [False, False, True]


def test_a_file_may_hold_several_tests():
    text = "---\n".join(export(written(), "yaml") for _ in range(2))

    assert [read.test for read in read_tests(text.encode(), "two.yaml")] == [FULL, FULL]


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"when": [{"at": 5, "event": "x"}]}, "when[0].at", "expected a span of time, found the number 5"),
        ({"when": [{"at": "0s"}]}, "when[0]", "expected one of event, operator, consent, delivery, found none"),
        ({"when": [{"at": "0s", "event": "x", "operator": "pause"}]}, "when[0]", "found event and operator"),
        ({"when": [{"at": "0s", "operator": "drop"}]}, "when[0].operator", "operator"),
        ({"given": {"time": "today", "contact": {"id": "a"}}}, "given.time", "expected a time, found the text 'today'"),
        (
            {"given": {"time": "2026-01-01", "contact": {"id": "a", "plan": "x"}}},
            "given.contact.plan",
            "unknown key 'plan' in the contact",
        ),
        ({"given": {"time": "2026-01-01", "contact": {"id": 5}}}, "given.contact", "the contact can't be used"),
        ({"then": {"steps": [{"step": "a", "does": 1}]}}, "then.steps[0].does", "unknown key 'does'"),
        ({"outcomes": [{"step": "a", "outcome": "maybe"}]}, "outcomes[0].outcome", "outcome"),
        (
            {"when": [{"at": "0s", "operator": "retry", "as": "run"}]},
            "when[0].as",
            "to be one of again, succeeded, skip, found the text 'run'",
        ),
        (
            {"when": [{"at": "0s", "operator": "repair", "step": "a"}]},
            "when[0]",
            "expected the key 'as' beside `operator: repair`",
        ),
        ({"when": [{"at": "0s", "operator": "repair", "as": "run"}]}, "when[0]", "expected the key 'step'"),
        ({"when": [{"at": "0s", "operator": "pause", "step": "a"}]}, "when[0]", "only beside `operator: repair`"),
        ({"late": [{"step": "a", "by": "1h", "attempt": -1}]}, "late[0].attempt", "at least 0"),
        ({"late": [{"step": "a", "by": "1h", "held": "yes"}]}, "late[0].held", "expected true or false"),
        ({"kind": "workflow"}, "", "expected a document with `kind: workflow_test`, found the text 'workflow'"),
        ({"name": None}, "name", "expected text for 'name'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change, path, words):
    (read,) = read_tests(export({**written(), **change}, "yaml").encode(), "test.yaml")

    assert read.test is None
    assert (read.diagnostics[0].path, words in read.diagnostics[0].message) == (path, True), read.diagnostics[0].message


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[1]", b"a: [", b"{", b"x: &a [*a]"])
def test_what_is_no_document_is_no_test(data):
    (read, *_) = read_tests(data, "test.yaml")

    assert read.test is None
    assert read.diagnostics


@pytest.mark.parametrize(
    "ms", [0, 1, 10, 999, 1_000, 1_250, 59_999, 60_000, 3_600_000, DAY_MS, DAY_MS + 5, 400 * DAY_MS + 3_661_001]
)
def test_a_span_reads_back_as_the_same(ms):
    assert read_span_ms(format_span(ms)) == ms


@pytest.mark.parametrize("text", ["", " ", "5", "s", "1h 1d", "-1s", "1.2345s", "1.s", "one day", "\u0661d"])
def test_what_is_no_span_is_none(text):
    assert read_span_ms(text) is None


def test_since_is_a_span_before_the_end_or_a_time():
    assert read_since_ms("1d", 3 * DAY_MS) == 2 * DAY_MS
    assert read_since_ms("1970-01-02", 3 * DAY_MS) == DAY_MS
    assert read_since_ms("1970-01-02T00:00:01Z", 3 * DAY_MS) == DAY_MS + 1_000
    assert read_since_ms("yesterday", 3 * DAY_MS) is None


def test_spans_are_short():
    assert [format_span(ms) for ms in (0, 1_500, DAY_MS, DAY_MS + 7_200_000, 61_000)] == [
        "0s",
        "1.5s",
        "1d",
        "1d 2h",
        "1m 1s",
    ]
