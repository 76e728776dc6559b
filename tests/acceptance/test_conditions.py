"""DESIGN 5.2 and 5.6, conditions: every operator and every kind of field, through a real condition step."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.headrace import step

MISSING = object()
NOW = datetime.now(UTC)


def ago(**span):
    return (NOW - timedelta(**span)).isoformat()


# operator, value (and unit): the actual values for which it is true, and those for which it is false
OPERATORS = [
    ("equals", "facebook_ad", {}, ["facebook_ad"], ["Facebook_ad", "", MISSING, None, 5, ["facebook_ad"]]),
    ("equals", 5, {}, [5, 5.0, "5", "5.0"], [6, "five", True, MISSING]),
    ("equals", "5", {}, [5, "5"], ["5.0", 6]),
    ("equals", True, {}, [True, "true"], [False, "false", 1, "yes", MISSING]),
    ("equals", [1, "a"], {}, [[1, "a"]], [["a", 1], [1]]),
    ("not_equals", "x", {}, ["y", "", MISSING, None, 5], ["x"]),
    ("contains", "ad", {}, ["facebook_ad", ["ad", "b"]], ["AD", ["add"], MISSING, 5]),
    ("not_contains", "ad", {}, ["AD", ["add"], MISSING, 5], ["facebook_ad", ["ad"]]),
    ("exists", None, {}, ["", 0, False, [], "x"], [MISSING, None]),
    ("not_exists", None, {}, [MISSING, None], ["", 0, False]),
    ("greater_than", 5, {}, [6, "6", 5.5], [5, "5", 4, "many", MISSING, True]),
    ("greater_than", -1, {}, [MISSING, None, 0], ["none", -1]),
    ("less_than", 5, {}, [4, "4", MISSING, None], [5, "few", 6]),
    ("greater_or_equal", 5, {}, [5, "5", 6], [4, "x", MISSING]),
    ("greater_or_equal", 0, {}, [MISSING, 0], [-1]),
    ("less_or_equal", 5, {}, [5, 4, MISSING], [6, "x"]),
    ("in", ["a", 5], {}, ["a", 5, "5", ["x", "a"]], ["b", MISSING, None, []]),
    ("not_in", ["a", 5], {}, ["b", MISSING, None], ["a", "5"]),
    ("starts_with", "fa", {}, ["facebook"], ["Facebook", "a fa", MISSING, ["fa"]]),
    ("ends_with", "ad", {}, ["facebook_ad"], ["ads", MISSING]),
    ("matches", r"^\+1\d{3}$", {}, ["+1555"], ["+15550", "x+1555", MISSING]),
    (
        "before",
        "2026-01-01T00:00:00Z",
        {},
        ["2025-12-31", "2026-01-01T00:30:00+01:00"],
        ["2026-01-01", "soon", MISSING],
    ),
    ("after", "2026-01-01", {}, ["2026-01-01T00:00:01Z"], ["2026-01-01T00:00:00Z", "2025-01-01", MISSING]),
    ("before", "now", {}, [ago(hours=1)], [ago(hours=-1), MISSING]),
    ("within_last", 2, {"unit": "hours"}, [ago(hours=1)], [ago(hours=3), ago(hours=-1), "today", MISSING]),
]


@pytest.mark.parametrize("row", OPERATORS, ids=[f"{row[0]}-{row[1]}" for row in OPERATORS])
def test_operator(headrace, row):
    operator, value, more, true, false = row
    given = {} if value is None else {"value": value}
    workflow = headrace.workflow(
        step(
            "ask",
            "condition",
            field="answer",
            operator=operator,
            **given,
            **more,
            branches={"true": "yes", "false": "no"},
        ),
        step("yes", "exit", reason="true"),
        step("no", "exit", reason="false"),
    )
    for expected, actuals in (("true", true), ("false", false)):
        for actual in actuals:
            fields = {} if actual is MISSING else {"answer": actual}
            contact_id = headrace.contact(custom_fields=fields)
            ended = headrace.run(workflow, contact_id, "exited")
            assert ended["exit_reason"] == expected, f"{actual!r} {operator} {value!r}"


def taken(headrace, contact_id, condition):
    """Which branch a condition step takes for this contact."""
    workflow = headrace.workflow(
        step("ask", "condition", **condition, branches={"true": "yes", "false": "no"}),
        step("yes", "exit", reason="true"),
        step("no", "exit", reason="false"),
    )
    return headrace.run(workflow, contact_id, "exited")["exit_reason"]


def test_lists_and_groups(headrace):
    yes = {"field": "first_name", "operator": "equals", "value": "Ada"}
    no = {"field": "first_name", "operator": "equals", "value": "Bob"}
    contact_id = headrace.contact()
    groups = [
        ({"all": [yes, yes]}, "true"),
        ({"all": [yes, no]}, "false"),
        ({"any": [no, yes]}, "true"),
        ({"any": [no, no]}, "false"),
        ({"not": no}, "true"),
        ({"not": {"any": [no, {"all": [yes, {"not": no}]}]}}, "false"),
    ]
    for condition, expected in groups:
        assert taken(headrace, contact_id, condition) == expected, condition


def test_attribute_wins_over_custom_field_and_a_null_one_falls_through(headrace):
    contact_id = headrace.contact(
        source=None, custom_fields={"source": "custom", "email": "custom", "a": {"b": [1, 2]}}
    )
    for field, value in (
        ("source", "custom"),
        ("email", "ada@example.com"),
        ("custom_fields.email", "custom"),
        ("contact.email", "ada@example.com"),
        ("custom_fields.a.b.1", 2),
        ("a.b.0", 1),
        ("id", contact_id),
    ):
        condition = {"field": field, "operator": "equals", "value": value}
        assert taken(headrace, contact_id, condition) == "true", field


def test_dotted_paths_reach_steps_enrollment_and_event(headrace):
    contact_id = headrace.contact()
    name = f"order.{contact_id}"
    expected = {
        "steps.split.output.path": "only",
        "steps.nothing.output.path": None,
        "enrollment.version": 1,
        "enrollment.hops": 0,
        "event.total": 12.5,
        "event.data.total": 12.5,
        "event.data.type": "kind",
        "event.type": name,
        "event.id": "o1",
        "event.source": "shop",
        "event.time": "2026-01-01T00:00:00Z",
        "event.items.0.sku": "A",
    }
    conditions = [
        {"field": field, "operator": "not_exists"}
        if value is None
        else {"field": field, "operator": "equals", "value": value}
        for field, value in expected.items()
    ]
    workflow = headrace.workflow(
        step("split", "ab_split", paths=["only"]),
        step("ask", "condition", all=conditions, branches={"true": "yes", "false": "no"}),
        step("yes", "exit", reason="true"),
        step("no", "exit", reason="false"),
        trigger={"type": "event", "config": {"name": name}},
    )
    data = {"total": 12.5, "type": "kind", "items": [{"sku": "A"}]}
    headrace.send(contact_id, name, data, id="o1", source="shop", time="2026-01-01T00:00:00Z")
    (enrollment,) = headrace.enrollments(workflow)
    operands = headrace.execution(enrollment, "ask")["input_data"]["conditions"]
    assert {one["field"]: one["actual"] for one in operands} == expected
    assert enrollment["exit_reason"] == "true"


def test_last_sms_reply_is_since_the_enrollment_and_contact_last_sms_reply_ever(headrace):
    """The message that triggers the enrollment does not count as a reply to it."""
    contact_id = headrace.contact()
    trigger = {"type": "sms_received", "conditions": [{"field": "id", "operator": "equals", "value": contact_id}]}
    workflow = headrace.workflow(
        step("now", "condition", field="last_sms_reply", operator="exists"),
        step("ever", "condition", field="contact.last_sms_reply", operator="equals", value="early"),
        step("gate", "delay", duration=1, unit="seconds"),
        step("reply", "condition", field="last_sms_reply", operator="equals", value="late"),
        step("newest", "condition", field="contact.last_sms_reply", operator="equals", value="late"),
        trigger=trigger,
    )
    headrace.send(contact_id, "contact.sms_received", {"body": "early"})
    (enrollment,) = headrace.enrollments(workflow)
    headrace.send(contact_id, "contact.sms_received", {"body": "middle"})
    headrace.send(contact_id, "contact.sms_received", {"body": "late"})
    headrace.until(enrollment["id"], "completed")
    results = {one["step_id"]: one["output_data"].get("result") for one in headrace.executions(enrollment)}
    del results["gate"]
    assert results == {"now": False, "ever": True, "reply": True, "newest": True}


def test_missing_branch_follows_next(headrace):
    workflow = headrace.workflow(
        step("ask", "condition", field="first_name", operator="equals", value="Ada", branches={"false": "no"}),
        step("after", "add_tag", tag="after", next="end"),
        step("no", "exit", reason="no"),
    )
    assert headrace.path(headrace.run(workflow)) == ["ask", "after"]
    assert headrace.path(headrace.run(workflow, headrace.contact(first_name="Bob"), "exited")) == ["ask", "no"]
