"""What the read side shows, as one snapshot of the database has it: its checkpoints, and its rows as the lines of COPY."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

from domain.partition import home_partition
from projections.checkpoints import READ as CHECKPOINTS
from projections.checkpoints import Source
from projections.database import connect, unreachable
from projections.errors import ProjectionError
from projections.verify.digest import add, digest
from projections.verify.expected import ContactRow, EnrollmentRow, Row
from projections.verify.lines import NO_CONTACT, contact_id_of, copy_statement, row_of

_MS: Final = "(extract(epoch FROM {}) * 1000)::bigint"
_TIMES: Final = ("next_action_at", "enrolled_at", "completed_at", "created_at", "updated_at")

_CONTACTS: Final = """
    SELECT coalesce(c.id, t.contact_id, s.contact_id) AS contact_id, c.id, first_name, last_name, email, phone, source,
           timezone, to_jsonb(tags) AS tags, custom_fields, created::text, last_sms_reply, c.seq, {created_at}, {updated_at},
           coalesce(lines, 0) AS timeline_lines, coalesce(last_seq, 0) AS timeline_last_seq,
           coalesce(suppressed, '[]') AS suppressed
    FROM contacts c
    FULL JOIN (SELECT contact_id, count(*) AS lines, max(seq) AS last_seq FROM timeline GROUP BY contact_id) t
      ON t.contact_id = c.id
    FULL JOIN (
        SELECT contact_id,
               jsonb_agg(jsonb_build_array(channel, address, reason, {at}) ORDER BY channel, address COLLATE "C")
               AS suppressed
        FROM consents WHERE NOT allowed GROUP BY contact_id
    ) s ON s.contact_id = coalesce(c.id, t.contact_id)
"""
_ENROLLMENTS: Final = """
    SELECT contact_id, coalesce(e.id, x.enrollment_id, i.enrollment_id) AS id, workflow_id, version, status,
           current_step, state, {next_action_at}, {enrolled_at}, {completed_at}, exit_reason, paused_by,
           awaits_event::text, hops,
           coalesce(visits, 0) AS executions, coalesce(o.open, '[]') AS open_executions,
           coalesce(i.open, '[]') AS open_incidents
    FROM workflow_enrollments e
    FULL JOIN (SELECT enrollment_id, count(*) AS visits FROM workflow_executions GROUP BY enrollment_id) x
      ON x.enrollment_id = e.id
    LEFT JOIN (
        SELECT enrollment_id,
               jsonb_agg(jsonb_build_array(id, step_id, visit, status, attempts, output_data ->> 'delay_until')) AS open
        FROM workflow_executions WHERE status IN ('pending', 'running') GROUP BY enrollment_id
    ) o ON o.enrollment_id = x.enrollment_id
    FULL JOIN (
        SELECT enrollment_id, jsonb_agg(id) AS open FROM incidents
        WHERE status = 'open' AND enrollment_id IS NOT NULL GROUP BY enrollment_id
    ) i ON i.enrollment_id = coalesce(e.id, x.enrollment_id)
"""
_IN_ORDER: Final = """ ORDER BY {} COLLATE "C" NULLS FIRST"""
_HOLD: Final = """
    LOCK TABLE workflow_executions, workflow_enrollments, checkpoints, consents, contacts, incidents, partitions, timeline
    IN ACCESS SHARE MODE
"""
"""Reading and writing go on, but no rebuild swaps tables between one of our connections and the next."""
_PARTITIONS: Final = "SELECT partition, catalogue_offset, reconciled_offset FROM partitions"


class Kind(NamedTuple):
    """A kind of rows: how they are asked for, by which contact id they are ordered, what they are."""

    query: str
    contact_id: str
    make: type[Row]


_MILLISECONDS: Final = {name: f"{_MS.format(name)} AS {name}" for name in _TIMES} | {"at": _MS.format("at")}
KINDS: Final = {
    "contacts": Kind(_CONTACTS.format(**_MILLISECONDS), "coalesce(c.id, t.contact_id, s.contact_id)", ContactRow),
    "enrollments": Kind(_ENROLLMENTS.format(**_MILLISECONDS), "contact_id", EnrollmentRow),
}


class Scan(NamedTuple):
    """What is there of a kind; rows that belong to no contact stand apart."""

    digests: dict[int | None, int]
    """The sum by partition; under None if they were not told apart."""
    strays: list[EnrollmentRow]


class Snapshot:
    """One state of the database, held by a transaction for as long as it is open; others join it by its name."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self.connection, self.name = connection, name

    def checkpoints(self) -> dict[Source, int]:
        """The offset of the next record to be projected, of each source."""
        return {(topic, partition): offset for topic, partition, offset in self.connection.execute(CHECKPOINTS)}

    def partitions(self) -> dict[int, tuple[int, int]]:
        """The row of each partition: how far its definitions are in force, and have reached every enrollment."""
        rows = self.connection.execute(_PARTITIONS)
        return {partition: (catalogue, reconciled) for partition, catalogue, reconciled in rows}

    def lines(self, kind: str, *, in_order: bool = False) -> Iterator[bytes]:
        """All rows of a kind; in order of the bytes of their contacts' ids, if so asked, those without one first."""
        query, contact_id, make = KINDS[kind]
        if in_order:
            query += _IN_ORDER.format(contact_id)
        with self.connection.cursor() as cursor, cursor.copy(copy_statement(query, make).encode()) as lines:
            yield from map(bytes, lines)

    def scan(self, kind: str, partitions: int | None = None) -> Scan:
        """Sum up the digests of a kind's rows; given how many partitions there are, by their contacts' homes."""
        found: dict[int | None, int] = defaultdict(int)
        strays, home = [], None
        for line in self.lines(kind):
            if line.startswith(NO_CONTACT):
                strays.append(row_of(EnrollmentRow, line))
                continue
            if partitions is not None:
                home = home_partition(contact_id_of(line), partitions)
            found[home] += digest(line)
        return Scan({where: add([total]) for where, total in found.items()}, strays)


@contextlib.contextmanager
def snapshot(url: str, *, name: str | None = None) -> Iterator[Snapshot]:
    """A new snapshot, or the one of that name while whoever made it holds it.

    Raises:
        DatabaseUnreachable: there is no connection, or it broke.
        ProjectionError: the database holds no read side.
    """
    try:
        with connect(url, application_name="headrace verify") as connection:
            yield _begun(connection, name)
            connection.execute("ROLLBACK")
    except psycopg.errors.UndefinedTable as error:
        message = "expected the read side's tables in the database, found none: start the projector, which makes them"
        raise ProjectionError(message) from error
    except psycopg.OperationalError as error:
        raise unreachable(url, error) from error


def _begun(connection: psycopg.Connection[Any], name: str | None) -> Snapshot:
    connection.execute("SET client_encoding = 'UTF8'")  # lines are digested as they come
    connection.execute("SET idle_in_transaction_session_timeout = 0")  # it is idle while others work on its snapshot
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    if name is not None:
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(name))
        return Snapshot(connection, name)
    connection.execute(_HOLD)
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return Snapshot(connection, str(row[0]))
