"""How values are written for Postgres."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.sql_text import array_text, as_stored, column_texts, copy_fields, time_text


def column(type_: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column("c", type_, nullable=nullable)


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000_001, "2027-01-15T08:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (10**18, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_with_milliseconds_and_end_with_the_year_9999(at_ms: int, text: str) -> None:
    assert time_text(at_ms) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "x"}, '{"a":"x"}'),
        ({"a\0": ["\0", {"b": "\0"}]}, '{"a\ufffd":["\ufffd",{"b":"\ufffd"}]}'),
        ("\\u0000", '"\\\\u0000"'),
        ("two\nlines", '"two\\nlines"'),
        (float("inf"), "null"),
    ],
)
def test_json_holds_no_nul_and_one_line(value: Any, text: str) -> None:
    assert column_texts(column(JSONB), [{}, value]) == ["{}", text]


@pytest.mark.parametrize(
    ("value", "stored"), [(1e16, 10**16), (1e23, 10**23), (-1e300, -(10**300)), (1.0, 1.0), (1.5e-7, 1.5e-7), (0, 0)]
)
def test_a_number_is_folded_as_it_will_be_loaded(value: float, stored: float) -> None:
    assert (as_stored([value]), type(as_stored(value))) == ([stored], type(stored))


def test_text_holds_no_nul_and_is_never_nothing() -> None:
    assert column_texts(column(sa.Text), ["a\0b", "c", 5]) == ["a\ufffdb", "c", "5"]
    with pytest.raises(AssertionError):
        column_texts(column(sa.Text), [None])


def test_a_nullable_column_keeps_its_nulls_in_place() -> None:
    assert column_texts(column(sa.Integer, nullable=True), [1, None, 2]) == ["1", None, "2"]
    assert copy_fields(column(sa.Integer, nullable=True), [1, None, 2]) == ["1", r"\N", "2"]


def test_text_is_cut_to_its_column() -> None:
    assert column_texts(column(sa.String(3)), ["abcd"]) == ["abc"]


@pytest.mark.parametrize(
    ("text", "field"),
    [("a\\b\nc\rd\te é\u2028", "a\\\\b\\nc\\rd\\te é\u2028"), (r"\N", r"\\N"), ("", ""), ("plain", "plain")],
)
def test_copy_escapes_what_would_end_a_field_or_a_row(text: str, field: str) -> None:
    assert copy_fields(column(sa.Text, nullable=True), [text, None]) == [field, r"\N"]


def test_array_literals_quote_everything() -> None:
    assert array_text(["a", None, 'b"', "c\\", "{,}", "NULL", ""]) == '{"a",NULL,"b\\"","c\\\\","{,}","NULL",""}'
