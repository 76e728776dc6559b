"""Differences by name: which contact, table and column, what the journal gives and what is there."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from domain.state import ContactState
from projections.verify.expected import ContactRow, EnrollmentRow, Row
from projections.verify.folded import Folded
from projections.verify.lines import line_of, row_of, value_of

STORE: Final = "store"
"""The name that stands for a worker's store among the tables."""
_ELSEWHERE: Final = {
    "timeline_lines": ("timeline", "number of rows"),
    "timeline_last_seq": ("timeline", "highest seq"),
    "suppressed": ("consents", "rows that forbid"),
    "executions": ("workflow_executions", "number of rows"),
    "open_executions": ("workflow_executions", "open rows"),
    "open_incidents": ("incidents", "open rows"),
}
"""Where those fields of a row stand that are no columns of its own table."""
_TABLES: Final[dict[type[Row], str]] = {ContactRow: "contacts", EnrollmentRow: "workflow_enrollments"}

Found = tuple[type[Row], bytes]
"""A line of the read side, and which row it is of."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as the journal says. A row that is missing, or one too many, differs in its `id`."""

    partition: int | None
    contact_id: str | None
    table: str
    key: str
    """The row's id."""
    column: str
    expected: Any
    found: Any


def row_differences(partition: int, contact_id: str, folded: Folded | None, found: Sequence[Found]) -> list[Difference]:
    """How the read side's rows of a contact differ from what its journal gives (None: it has no event)."""
    rows: list[Row] = [folded.contact_row(), *folded.enrollment_rows()] if folded else []
    wanted = _by_key(contact_id, [(type(row), line_of(row)) for row in rows])
    got = _by_key(contact_id, found)
    return [
        Difference(
            partition=partition,
            contact_id=contact_id,
            table=table,
            key=key[1],
            column=column,
            expected=one,
            found=other,
        )
        for key in dict.fromkeys((*wanted, *got))
        for table, column, one, other in _unlike(_TABLES[key[0]], wanted.get(key), got.get(key))
    ]


def _by_key(contact_id: str, lines: Iterable[Found]) -> dict[tuple[type[Row], str], Row]:
    """The rows of a contact's lines; without one of its own it has an empty row."""
    rows: list[Row] = [ContactRow(contact_id), *(row_of(make, line) for make, line in lines)]
    return {(type(row), contact_id if isinstance(row, ContactRow) else row.id): row for row in rows}


def _unlike(table: str, expected: Row | None, found: Row | None) -> Iterator[tuple[str, str, Any, Any]]:
    """The fields in which two rows differ; if one of them is not there, its id alone."""
    if expected is None or found is None or expected.id != found.id:
        yield table, "id", expected and expected.id, found and found.id
        return
    for field in expected.__struct_fields__:
        if getattr(expected, field) != getattr(found, field):
            yield *_ELSEWHERE.get(field, (table, field)), value_of(expected, field), value_of(found, field)


def stray_differences(rows: Iterable[EnrollmentRow]) -> list[Difference]:
    """Executions and incidents whose enrollment has no row."""
    return [
        Difference(
            partition=None,
            contact_id=None,
            table="workflow_executions" if row.executions else "incidents",
            key=row.id,
            column="enrollment_id",
            expected="the id of an enrollment",
            found=row.id,
        )
        for row in rows
    ]


def state_differences(contact_id: str, state: ContactState | None, kept: bytes | None) -> list[tuple[str, Any, Any]]:
    """Where a store's state of a contact differs from the fold's (column, expected, found); at one place at most."""
    if state is None or kept is None:
        return [("id", contact_id if state else None, contact_id if kept is not None else None)]
    expected = msgspec.to_builtins(state, order="deterministic")
    try:
        found: Any = msgspec.json.decode(kept, type=ContactState)
    except msgspec.MsgspecError as error:
        return [("state", "a contact's state", f"unreadable: {error}")]
    if _encode(found) == _encode(state):
        return [] if kept == _encode(state) else [("state", "encoded as the engine does", "the same state, otherwise")]
    return [first_unlike(expected, msgspec.to_builtins(found, order="deterministic"))]


def first_unlike(expected: Any, found: Any, path: str = "") -> tuple[str, Any, Any]:
    """The first place at which two values differ, as a dotted path, and what stands there."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in dict.fromkeys((*expected, *found)):
            if not same(expected.get(name), found.get(name)):
                return first_unlike(expected.get(name), found.get(name), f"{path}.{name}" if path else name)
    return path, expected, found


def same(expected: Any, found: Any) -> bool:
    """Whether two values are written alike: 1 is neither 1.0 nor true."""
    return bool(expected == found) and _encode(expected) == _encode(found)


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
