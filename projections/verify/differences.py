"""Differences by name: which contact, table and column, what the journal gives and what is there."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from domain.state import ContactState
from projections.verify.expected import ContactRow, EnrollmentRow
from projections.verify.folded import Folded

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


def row_differences(
    partition: int, contact_id: str, folded: Folded | None, found: Sequence[ContactRow | EnrollmentRow]
) -> list[Difference]:
    """How the read side's rows of a contact differ from what its journal gives (None: it has no event)."""
    contact = next((row for row in found if isinstance(row, ContactRow)), ContactRow(contact_id))
    enrollments = {row.id: row for row in found if isinstance(row, EnrollmentRow)}
    expected = {row.id: row for row in folded.enrollment_rows()} if folded else {}
    pairs: list[tuple[str, str, Any, Any]] = [
        ("contacts", contact_id, folded.contact_row() if folded else ContactRow(contact_id), contact)
    ]
    pairs += [
        ("workflow_enrollments", id_, expected.get(id_), enrollments.get(id_))
        for id_ in dict.fromkeys((*expected, *enrollments))
    ]
    return [
        Difference(
            partition=partition, contact_id=contact_id, table=table, key=key, column=column, expected=wanted, found=got
        )
        for table_of_row, key, row, other in pairs
        for table, column, wanted, got in _unlike(table_of_row, row, other)
    ]


def _unlike(table: str, expected: Any, found: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """The fields in which two rows differ; if one of them is not there, that alone."""
    wanted, got = getattr(expected, "id", None), getattr(found, "id", None)
    if wanted != got:
        yield table, "id", wanted, got
        return
    for field in expected.__struct_fields__:
        wanted, got = getattr(expected, field), getattr(found, field)
        if not same(wanted, got):
            yield *_ELSEWHERE.get(field, (table, field)), wanted, got


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
