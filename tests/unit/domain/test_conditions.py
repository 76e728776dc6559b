"""The eighteen operators and the groups, row by row as the reference states them."""

from math import inf, nan
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.conditions import All, AnyOf, Comparison, Condition, Not, check_comparison, compile_condition, explain
from domain.contact import Contact
from domain.errors import StepError
from domain.fields import Scope
from domain.operators import MAX_MATCHED_LENGTH, OPERATORS, operators_table
from domain.times import UNIT_MS, read_time_ms

NOW_MS = read_time_ms("2026-05-10T12:00:00Z") or 0

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["5", "-5.0", "1e999", "true", "now", "2026-05-01", "2026-05-01T08:00:00Z", "9" * 5_000, "\ud800"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def holds(actual: Any, operator: str, value: Any = None, unit: str | None = None) -> bool:
    """The result of one comparison; both ways to run it must agree."""
    scope = Scope(Contact(id="c", custom_fields={"x": actual}), NOW_MS)
    comparison = Comparison("x", operator, value, unit)
    result = compile_condition(comparison)(scope)
    assert explain(comparison, scope)[0] is result
    return result


@pytest.mark.parametrize(
    ("actual", "value", "expected"),
    [
        ("facebook_ad", "facebook_ad", True),
        ("Facebook_ad", "facebook_ad", False),
        ("5", 5, True),
        (5, "5", True),
        ("5.0", 5, True),
        (5.0, 5, True),
        ("5.0", "5", False),
        ("007", 7, True),
        ("1e3", 1000, True),
        (" 5", 5, False),
        ("1,000", 1000, False),
        ("1_000", 1000, False),
        ("\u0665", 5, False),
        (True, True, True),
        ("true", True, True),
        (False, "false", True),
        ("True", True, False),
        (1, True, False),
        (0, False, False),
        (True, "1", False),
        (2**63 + 1, 2**63, False),
        (nan, nan, False),
        (inf, inf, False),
        ("nan", nan, False),
        ("", "", True),
        ("", 0, False),
        (["a", "5"], ["a", 5], True),
        (["a"], ["a", "b"], False),
        ({"a": 1}, {"a": "1"}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": None}, {"a": None}, True),
        (None, "x", False),
    ],
)
def test_equals(actual: Any, value: Any, expected: bool) -> None:
    assert holds(actual, "equals", value) is expected
    assert holds(actual, "not_equals", value) is not expected


@pytest.mark.parametrize(
    ("actual", "value", "expected"),
    [
        ("good morning", "morn", True),
        ("good morning", "Morn", False),
        ("anything", "", True),
        ("in 24 hours", 24, True),
        (2024, "24", True),
        (["vip", "lead"], "vip", True),
        (["vip", "lead"], "vi", False),
        ([1, 2], "2", True),
        ({"a": 1}, "a", False),
        (True, "true", False),
        (None, "a", False),
    ],
)
def test_contains(actual: Any, value: Any, expected: bool) -> None:
    assert holds(actual, "contains", value) is expected
    assert holds(actual, "not_contains", value) is not expected


def test_tags_are_a_list() -> None:
    scope = Scope(Contact(id="c", tags=("vip",)), NOW_MS)
    assert compile_condition(Comparison("tags", "contains", "vip"))(scope)
    assert compile_condition(Comparison("tags", "in", ["hot", "vip"]))(scope)
    assert compile_condition(Comparison("tags", "not_contains", "lead"))(scope)


@pytest.mark.parametrize(
    ("actual", "expected"), [("x", True), ("", True), (0, True), (False, True), ([], True), (None, False)]
)
def test_exists_means_not_null(actual: Any, expected: bool) -> None:
    assert holds(actual, "exists") is expected
    assert holds(actual, "not_exists") is not expected


@pytest.mark.parametrize(
    ("actual", "value", "greater", "less"),
    [
        (5, 4, True, False),
        (4, 4, False, False),
        ("10", "9", True, False),
        ("10", 9, True, False),
        (2.5, "2.4", True, False),
        (None, -1, True, False),
        (None, 1, False, True),
        (None, "0.5", False, True),
        ("", 1, False, False),
        ("b", "a", False, False),
        ("b", 1, False, False),
        (True, 0, False, False),
        ([1], 0, False, False),
        (nan, 0, False, False),
        (inf, 0, False, False),
        (1, inf, False, False),
        ("inf", 0, False, False),
        (10**400, 1.5, True, False),
    ],
)
def test_order_is_of_numbers_and_a_missing_one_is_zero(actual: Any, value: Any, greater: bool, less: bool) -> None:
    assert holds(actual, "greater_than", value) is greater
    assert holds(actual, "less_than", value) is less


@pytest.mark.parametrize(
    ("actual", "value", "at_least", "at_most"),
    [(4, 4, True, True), (None, 0, True, True), (None, 1, False, True), ("x", 0, False, False), (5, "4", True, False)],
)
def test_order_or_equal(actual: Any, value: Any, at_least: bool, at_most: bool) -> None:
    assert holds(actual, "greater_or_equal", value) is at_least
    assert holds(actual, "less_or_equal", value) is at_most


@pytest.mark.parametrize(
    ("actual", "value", "expected"),
    [
        ("a", ["a", "b"], True),
        ("5", [4, 5], True),
        ("c", ["a", "b"], False),
        (["c", "b"], ["a", "b"], True),
        ([], ["a"], False),
        ("a", [], False),
        (None, ["a", None], False),
    ],
)
def test_in(actual: Any, value: Any, expected: bool) -> None:
    assert holds(actual, "in", value) is expected
    assert holds(actual, "not_in", value) is not expected


@pytest.mark.parametrize(
    ("operator", "actual", "value", "expected"),
    [
        ("starts_with", "+4915", "+49", True),
        ("starts_with", "+4915", "49", False),
        ("starts_with", 4915, 49, True),
        ("starts_with", None, "", False),
        ("starts_with", ["a"], "a", False),
        ("ends_with", "a@x.de", ".de", True),
        ("ends_with", "a@x.DE", ".de", False),
    ],
)
def test_the_ends_of_a_text(operator: str, actual: Any, value: Any, expected: bool) -> None:
    assert holds(actual, operator, value) is expected


@pytest.mark.parametrize(
    ("actual", "pattern", "expected"),
    [
        ("Yes please", "^(?i)yes", True),
        ("oh yes", "^yes$", False),
        ("oh yes", "yes", True),
        ("größer", "^gr.ßer$", True),
        (12345, r"^\d{5}$", True),
        (None, ".*", False),
        (["yes"], "yes", False),
        ("\ud800", ".", False),
    ],
)
def test_matches_finds_a_pattern_anywhere(actual: Any, pattern: str, expected: bool) -> None:
    assert holds(actual, "matches", pattern) is expected


def test_matches_looks_at_the_first_part_of_a_long_text_alone() -> None:
    assert holds("x" * (MAX_MATCHED_LENGTH - 1) + "y", "matches", "y")
    assert not holds("x" * MAX_MATCHED_LENGTH + "y", "matches", "y")


def test_a_pattern_that_would_hang_a_backtracking_engine_is_answered() -> None:
    assert not holds("a" * 5_000 + "!", "matches", "^(a+)+$|(a|a)*b")


@pytest.mark.parametrize(
    ("actual", "value", "before", "after"),
    [
        ("2026-05-01", "2026-05-02", True, False),
        ("2026-05-01", "2026-05-01T00:00:00Z", False, False),
        ("2026-05-01T10:00:00+02:00", "2026-05-01T08:00:01Z", True, False),
        ("2026-05-01T08:00:00", "2026-05-01T07:59:59Z", False, True),
        ("2026-05-01 08:00", "2026-05-01T08:00:00.001Z", True, False),
        ("2026-05-10T11:59:59Z", "now", True, False),
        ("2026-05-10T12:00:00Z", "now", False, False),
        ("2026-05-10T12:00:01z", "now", False, True),
        ("tomorrow", "now", False, False),
        ("2026-02-30", "now", False, False),
        ("20260501", "now", False, False),
        (1_700_000_000, "now", False, False),
        (None, "now", False, False),
        ("2026-05-01", "yesterday", False, False),
        ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", True, False),
    ],
)
def test_before_and_after(actual: Any, value: Any, before: bool, after: bool) -> None:
    assert holds(actual, "before", value) is before
    assert holds(actual, "after", value) is after


@pytest.mark.parametrize(
    ("actual", "value", "unit", "expected"),
    [
        ("2026-05-10T11:30:00Z", 30, "minutes", True),
        ("2026-05-10T11:29:59Z", 30, "minutes", False),
        ("2026-05-10T12:00:01Z", 30, "minutes", False),
        ("2026-05-09T12:00:00Z", "1.0", "days", True),
        ("2026-05-09T11:59:59Z", 1, "days", False),
        ("2026-04-30", 2, "weeks", True),
        ("2026-05-10T11:59:59.500Z", 0.5, "seconds", True),
        ("soon", 1, "hours", False),
        (None, 1, "hours", False),
        ("2026-05-10", 1, "fortnights", False),
        ("2026-05-10", inf, "days", False),
    ],
)
def test_within_last(actual: Any, value: Any, unit: str, expected: bool) -> None:
    assert holds(actual, "within_last", value, unit) is expected


def test_a_missing_field_fails_all_but_the_negative_and_the_order_operators() -> None:
    value = {"in": ["a"], "not_in": ["a"], "within_last": 1, "before": "now", "after": "now"}
    order = {"greater_than", "less_than", "greater_or_equal", "less_or_equal"}
    true = {name for name in OPERATORS.keys() - order if holds(None, name, value.get(name, "a"), "days")}
    assert true == {"not_equals", "not_contains", "not_exists", "not_in"}


@given(actual=JSON, value=JSON, unit=st.sampled_from([None, "days", "nonsense"]))
@example(actual="1", value="(", unit=None)
@example(actual=[[[]]] * 3, value=[[[]]] * 3, unit=None)
def test_no_operator_ever_raises_and_each_not_is_the_opposite(actual: Any, value: Any, unit: str | None) -> None:
    scope = Scope(Contact(id="c", custom_fields={"x": actual}), NOW_MS)
    results = {name: operator.prepare(value, unit)(actual, NOW_MS) for name, operator in OPERATORS.items()}
    assert all(type(result) is bool for result in results.values())
    for name in ("equals", "contains", "exists", "in"):
        assert results[f"not_{name}"] is not results[name]
    for name in OPERATORS:
        check_comparison(Comparison("x", name, value, unit))
        if "{{" not in str(value):
            assert compile_condition(Comparison("x", name, value, unit))(scope) is results[name]


def test_values_nested_too_deeply_equal_nothing_instead_of_raising() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    assert not holds(deep, "equals", deep)
    assert not holds(deep, "contains", deep)
    assert holds(deep, "not_in", [deep])


TRUE, FALSE = Comparison("id", "exists"), Comparison("id", "not_exists")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (All((TRUE, TRUE)), True),
        (All((TRUE, FALSE)), False),
        (All(()), True),
        (AnyOf((FALSE, TRUE)), True),
        (AnyOf((FALSE, FALSE)), False),
        (AnyOf(()), False),
        (Not(FALSE), True),
        (
            All(
                (TRUE, AnyOf((FALSE, Not(All((FALSE,)))))),
            ),
            True,
        ),
    ],
)
def test_groups(condition: Condition, expected: bool) -> None:
    scope = Scope(Contact(id="c"), 0)
    assert compile_condition(condition)(scope) is expected
    assert explain(condition, scope)[0] is expected


def test_a_condition_round_trips_through_json() -> None:
    condition = All((Comparison("a", "in", [1, "b"]), Not(AnyOf((Comparison("t", "within_last", 2, "days"),)))))
    assert msgspec.json.decode(msgspec.json.encode(condition), type=Condition) == condition


def test_explaining_records_the_operands_that_were_needed_in_order() -> None:
    scope = Scope(Contact(id="c", source="web", custom_fields={"seen": "2026-05-10"}), NOW_MS)
    condition = All(
        (
            Comparison("seen", "within_last", 2, "days"),
            AnyOf((Comparison("source", "equals", "web"), Comparison("never", "exists"))),
            Comparison("last_name", "exists"),
            Comparison("never", "exists"),
        )
    )
    assert explain(condition, scope) == (
        False,
        [
            {
                "field": "seen",
                "operator": "within_last",
                "value": 2,
                "actual": "2026-05-10",
                "unit": "days",
                "result": True,
            },
            {"field": "source", "operator": "equals", "value": "web", "actual": "web", "result": True},
            {"field": "last_name", "operator": "exists", "value": None, "actual": None, "result": False},
        ],
    )


def test_a_value_with_braces_is_a_template_rendered_first_and_recorded_as_rendered() -> None:
    scope = Scope(Contact(id="c", email="ann@x.de", custom_fields={"billing": "ann@x.de", "other": "b"}), NOW_MS)
    same = Comparison("billing", "equals", "{{ email }}")
    assert compile_condition(same)(scope)
    assert explain(same, scope)[1][0]["value"] == "ann@x.de"
    assert compile_condition(Comparison("billing", "in", ["x", "{{email}}"]))(scope)
    assert compile_condition(Comparison("billing", "matches", "^{{ 'ann' }}@"))(scope)
    assert not compile_condition(Comparison("other", "matches", "({{ email }}"))(scope)


def test_a_pattern_with_a_brace_and_a_percent_sign_is_no_template() -> None:
    assert holds("50%", "matches", "[{%]")


def test_a_value_that_cannot_be_rendered_is_a_step_error() -> None:
    scope = Scope(Contact(id="c"), 0)
    with pytest.raises(StepError) as caught:
        compile_condition(Comparison("id", "equals", "{{ 1 | divided_by: 0 }}"))(scope)
    assert caught.value.code == "template_error"


@pytest.mark.parametrize(
    "comparison",
    [
        Comparison("a", "equals", "x"),
        Comparison("a", "equals", False),
        Comparison("a", "equals", 0),
        Comparison("a", "exists"),
        Comparison("a", "exists", True),
        Comparison("a", "greater_than", "2.5"),
        Comparison("a", "greater_than", "{{ b }}"),
        Comparison("a", "in", ["{{ b }}", 2]),
        Comparison("a", "matches", "^a{{ b }}("),
        Comparison("a", "before", "now"),
        Comparison("a", "after", "2026-05-01"),
        Comparison("a", "within_last", "{{ b }}", "hours"),
        *(Comparison("a", "within_last", 1, unit) for unit in UNIT_MS),
    ],
)
def test_a_good_comparison_is_not_complained_of(comparison: Comparison) -> None:
    assert check_comparison(comparison) is None


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (Comparison("a", "equal", 1), "did you mean `equals`"),
        (Comparison("a", "~~~", 1), "expected one of equals, not_equals"),
        (Comparison("", "exists"), "names joined by dots"),
        (Comparison("event", "exists"), "event.<name>"),
        (Comparison("a", "equals"), "needs a `value`"),
        (Comparison("a", "exists", False), "takes no `value`"),
        (Comparison("a", "greater_than", "ten"), "needs a number"),
        (Comparison("a", "less_than", True), "needs a number"),
        (Comparison("a", "less_than", nan), "needs a number"),
        (Comparison("a", "in", "x"), "needs a list"),
        (Comparison("a", "in", "{{ b }}"), "needs a list"),
        (Comparison("a", "starts_with", ["x"]), "needs a text"),
        (Comparison("a", "matches", "("), "missing ): ("),
        (Comparison("a", "matches", "(?=x)"), "invalid perl operator"),
        (Comparison("a", "matches", "a" * 1_001), "at most 1000 characters"),
        (Comparison("a", "matches", 5), "needs a pattern"),
        (Comparison("a", "before", "tomorrow"), "needs a time"),
        (Comparison("a", "after", 1_700_000_000), "needs a time"),
        (Comparison("a", "within_last", 1), "seconds, minutes, hours, days, weeks"),
        (Comparison("a", "within_last", 1, "month"), "'month'"),
        (Comparison("a", "within_last", 0, "days"), "needs a number"),
        (Comparison("a", "within_last", -1, "days"), "needs a number"),
        (Comparison("a", "within_last", "{{ b }}", "month"), "'month'"),
        (Comparison("a", "equals", 1, "days"), "takes no `unit`"),
        (Comparison("a", "equals", "{{ b | nope }}"), "no filter `nope`"),
        (Comparison("a", "in", ["{{ b"]), "expected `}}`"),
    ],
)
def test_a_bad_comparison_is_explained(comparison: Comparison, words: str) -> None:
    assert words in (check_comparison(comparison) or "")


def test_the_reference_is_what_the_table_says() -> None:
    page = Path(__file__).parents[3] / "docs/reference/operators.md"
    shown = page.read_text(encoding="utf-8").partition("<!-- generated: operators -->\n")[2]
    assert shown.partition("\n<!-- end of operators -->")[0] == operators_table(), "run `make docs`"
    assert len(OPERATORS) == 18
