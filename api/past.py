"""A contact's past: its journal up to a moment, read back from the log, and the rows that it makes."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, Self

import structlog
from aiohttp import web

from api.database import Row, fetch_all
from api.finding import find_enrollment
from api.problems import Conflict, NotFound, Unavailable
from api.services import SERVICES
from domain.errors import HeadraceError
from domain.journal import JournalEvent
from domain.partition import home_partition
from domain.times import format_time
from projections import tables
from projections.changes import RowChanges
from projections.errors import MissingRecord
from projections.past.definitions import DefinitionHistory, WorkflowPast
from projections.past.rows import as_read, moment, rows_of
from projections.past.scattered import records_at
from schemas.event_log import Record
from schemas.journal import decode_event
from schemas.topics import JOURNAL

log = structlog.get_logger(__name__)

DEFINITION_HISTORY: web.AppKey[DefinitionHistory] = web.AppKey("definition_history", DefinitionHistory)
FOR_EVER: Final = "infinity"


class ContactPast:
    """The events of one contact up to a moment, and what the read side showed then."""

    def __init__(self, contact_id: str, journal: Sequence[tuple[JournalEvent, Record]]) -> None:
        self.contact_id, self.journal = contact_id, journal

    @cached_property
    def _changes(self) -> RowChanges:
        return rows_of(self.journal)

    async def fold(self) -> Self:
        """Make the rows, without holding others up while it is a long journal."""
        await asyncio.to_thread(lambda: self._changes)
        return self

    def contact(self) -> Row | None:
        """The contact's row; None when it was not known yet."""
        row = self._changes.contacts.get(self.contact_id)
        return None if row is None else as_read(tables.contacts, row)

    def enrollment(self, enrollment_id: str) -> Row | None:
        """An enrollment's row; None when it had not begun."""
        row = self._changes.enrollments.get(enrollment_id)
        return None if row is None else as_read(tables.workflow_enrollments, row)

    def enrollments(self) -> list[Row]:
        """All enrollments, the newest first."""
        rows = [as_read(tables.workflow_enrollments, row) for row in self._changes.enrollments.new.values()]
        return sorted(rows, key=lambda row: row["enrolled_at"], reverse=True)

    def executions(self, enrollment_id: str) -> list[Row]:
        """An enrollment's steps, in the journal's order; a message's status is the one that was reported last."""
        reported = {(row["step_id"], row["visit"]): row["delivery"] for row in self._changes.ledger.of(enrollment_id)}
        rows = [as_read(tables.workflow_executions, row) for row in self._changes.executions.of(enrollment_id)]
        for row in rows:
            delivery = reported.get((row["step_id"], row["visit"]))
            if delivery is not None:
                row["output_data"] = {**row["output_data"], "status": delivery}
        return sorted(rows, key=lambda row: row["seq"])

    def incidents(self, enrollment_id: str) -> list[Row]:
        """An enrollment's incidents, the newest first."""
        rows = [row for row in self._changes.incidents.new.values() if row["enrollment_id"] == enrollment_id]
        return [as_read(tables.incidents, row) for row in reversed(rows)]


async def contact_past(request: web.Request, contact_id: str, at_ms: int | None) -> ContactPast:
    """The past of a contact that the read side knows, up to a moment (None: up to what the read side shows).

    Raises:
        Conflict: the read side does not say where all of its journal stands.
        Unavailable: the log could not be read.
    """
    services = request.app[SERVICES]
    parameters = {"contact_id": contact_id, "until": FOR_EVER if at_ms is None else format_time(at_ms)}
    rows = await fetch_all(services.database, "journal_of_contact", parameters)
    offsets = indexed([row["offset"] for row in rows])
    partition = home_partition(contact_id, services.partitions)
    try:
        records = [record async for record in records_at(services.commands, JOURNAL, partition, offsets)]
    except (OSError, HeadraceError) as error:
        raise unreadable(error) from error
    return ContactPast(contact_id, [(decode_event(record.value or b""), record) for record in records])


async def definitions_of(request: web.Request, workflow_id: str) -> WorkflowPast:
    """A workflow's definitions through time.

    Raises:
        Unavailable: the log could not be read.
    """
    try:
        return await request.app[DEFINITION_HISTORY].of(workflow_id)
    except (OSError, HeadraceError) as error:
        raise unreadable(error) from error


def indexed(offsets: Sequence[int | None]) -> list[int]:
    """The offsets, when all of them are known.

    Raises:
        Conflict: some rows are of a time when they were not kept.
    """
    known = [offset for offset in offsets if offset is not None]
    if len(known) < len(offsets):
        message = (
            "this part of the past was shown before the read side kept where it stands in the journal; "
            "`headrace rebuild` makes the read side anew, with all of it"
        )
        raise Conflict(message, code="not_indexed")
    return known


def unreadable(error: Exception) -> Conflict | Unavailable:
    """The problem to answer with when the past could not be read from the log."""
    if isinstance(error, MissingRecord):
        return Conflict(str(error), code="not_indexed")
    log.warning("api.log_unavailable", error=type(error).__name__)
    return Unavailable("the log cannot be read at the moment; try again", code="log_unavailable")


async def contact_as_of(request: web.Request, now: Row, at_ms: int) -> tuple[Row, ContactPast]:
    """The contact's row as of a moment, and its past up to then; `now` is its row of today.

    Raises:
        NotFound: it was not known then.
    """
    past = await (await contact_past(request, now["id"], at_ms)).fold()
    row = past.contact()
    if row is None:
        raise not_yet(f"contact {now['id']!r} was not known", "known", now["created_at"], at_ms)
    return row, past


def ensure_known(contact: Row, at_ms: int) -> None:
    """Check that a contact was known at a moment, from its row of today.

    Raises:
        NotFound: it was not.
    """
    if contact["created_at"] > moment(at_ms):
        raise not_yet(f"contact {contact['id']!r} was not known", "known", contact["created_at"], at_ms)


async def enrollment_as_of(request: web.Request, enrollment_id: Any, at_ms: int) -> tuple[Row, ContactPast]:
    """The enrollment's row as of a moment, and its contact's past up to then.

    Raises:
        NotFound: there is no such enrollment, or it had not begun.
    """
    now = await find_enrollment(request.app[SERVICES].database, enrollment_id)
    past = await (await contact_past(request, now["contact_id"], at_ms)).fold()
    row = past.enrollment(str(enrollment_id))
    if row is None:
        raise not_yet(f"enrollment {enrollment_id} had not begun", "there", now["enrolled_at"], at_ms)
    return row, past


def not_yet(what: str, verb: str, since: Any, at_ms: int) -> NotFound:
    """The problem to answer with when something began only later."""
    at = since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = f"{what} at {format_time(at_ms)}; it is {verb} since {at}"
    return NotFound(message, since=at)
