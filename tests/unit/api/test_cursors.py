"""Cursors: what a list gave out leads back to the same place; anything else is refused and reaches no query."""

from datetime import UTC, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import decode_cursor, encode_cursor, key_number, key_text, key_time, key_uuid
from api.problems import BadRequest

TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PARSERS = (key_time, key_uuid, key_text, key_number)


@given(TIMES, st.uuids(), TEXTS, st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_leads_back_to_the_exact_keys(at, uuid, text, number):
    cursor = encode_cursor("things", [at, uuid, text, number])
    assert decode_cursor("things", cursor, PARSERS) == [at, uuid, text, number]
    assert cursor.isascii()
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), "fits a URL as it is"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_other_text_is_refused(text):
    with pytest.raises(BadRequest) as refused:
        decode_cursor("things", text, PARSERS)
    assert refused.value.code == "bad_cursor"


def test_a_cursor_of_another_list_is_refused():
    cursor = encode_cursor("contacts", ["ada"])
    assert decode_cursor("contacts", cursor, [key_text]) == ["ada"]
    with pytest.raises(BadRequest):
        decode_cursor("templates", cursor, [key_text])


@pytest.mark.parametrize(
    "keys",
    [
        ["2026-01-01T00:00:00", str(UUID(int=1)), "x", "1"],
        ["2026-01-01T00:00:00Z", "no-uuid", "x", "1"],
        ["2026-01-01T00:00:00Z", str(UUID(int=1)), "a\0b", "1"],
        ["2026-01-01T00:00:00Z", str(UUID(int=1)), "x", str(2**63)],
        ["2026-01-01T00:00:00Z", str(UUID(int=1)), "x", "9" * 5000],
        ["infinity", str(UUID(int=1)), "x", "1"],
    ],
)
def test_keys_that_no_row_has_are_refused(keys):
    with pytest.raises(BadRequest):
        decode_cursor("things", encode_cursor("things", keys), PARSERS)
