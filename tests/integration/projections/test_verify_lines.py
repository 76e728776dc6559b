"""A row that must be there is written as Postgres writes the one that is there, whatever stands in it."""

from typing import Any

import msgspec
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.sql_text import as_stored, jsonb_text
from projections.verify.lines import NO_CONTACT, Json, contact_id_of, copy_statement, line_of, row_of, value_of

AWKWARD = [
    "",
    ",",
    "null",
    r"\N",
    r"\.",
    'say "hi", she',
    r"a\nb",
    "a\nb\tc\r\b\f\v\x01\x1f\x7f",
    "\0",
    r"\u0000",
    "é\u2028😀",
]
TEXT = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 1e-7, 1.5e-5, 1e15, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 0.1])
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A row with a field of every kind."""

    contact_id: str | None
    name: str | None
    body: Json | None
    number: int
    due: int | None
    created: bool | None


ROWS = st.tuples(
    st.none() | TEXT,
    st.none() | TEXT,
    st.none() | JSON,
    st.integers(0, 2**31 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
)
TABLE = (
    "CREATE TEMP TABLE t (contact_id text, name text, body jsonb, number int, due bigint, created boolean, at serial)"
)
INSERT = "INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s)"
QUERY = "SELECT contact_id, name, body, number, due, created::text FROM t ORDER BY at"


def copied(url: str, rows: list[tuple[Any, ...]]) -> list[bytes]:
    """The lines that Postgres gives of these rows."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        for contact_id, name, body, *others in rows:
            json = None if body is None else msgspec.json.encode(as_stored(body)).decode()
            cursor.execute(INSERT, (as_stored(contact_id), as_stored(name), json, *others))
        with cursor.copy(copy_statement(QUERY, Row).encode()) as lines:
            return [bytes(line) for line in lines]


@given(st.lists(ROWS, min_size=1, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_line_is_the_one_that_postgres_gives_and_says_what_the_row_says(
    database_url: str, given_rows: list[tuple[Any, ...]]
) -> None:
    rows = [
        Row(id_, name, None if body is None else Json(jsonb_text(body)), *rest) for id_, name, body, *rest in given_rows
    ]
    lines = copied(database_url, given_rows)
    assert [line_of(row) for row in rows] == lines
    for line, (id_, name, body, *others) in zip(lines, given_rows, strict=True):
        found = row_of(Row, line)
        assert [found.contact_id, found.name, found.number, found.due, found.created] == as_stored([id_, name, *others])
        assert line_of(found) == line
        assert found.body is None if body is None else value_of(found, "body") == as_stored(body)
        assert line.startswith(NO_CONTACT) if id_ is None else contact_id_of(line) == as_stored(id_)
