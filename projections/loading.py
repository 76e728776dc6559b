"""Reading what a batch's events build on, with one query per table, before they are folded."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg

from domain import definition as d
from domain import journal as j
from projections.changes import RowChanges
from projections.read_models import enrollments, executions
from projections.sql_text import array_text

WORKFLOWS: Final = """
    SELECT id::text, status, published_version FROM workflows WHERE id = ANY(%s::uuid[])
"""
VERSION_NAMES: Final = """
    SELECT workflow_id::text, version, name FROM workflow_versions WHERE workflow_id = ANY(%s::uuid[])
"""
CONTACTS: Final = """
    SELECT id, first_name, last_name, email, phone, source, timezone, tags, custom_fields, created
    FROM contacts WHERE id = ANY(%s::text[])
"""
ENROLLMENTS: Final = """
    SELECT id::text, workflow_id::text, status, current_step, paused_by,
           (extract(epoch FROM next_action_at) * 1000)::bigint AS next_action_at
    FROM workflow_enrollments WHERE id = ANY(%s::uuid[])
"""
EXECUTIONS: Final = """
    SELECT id::text, enrollment_id::text, step_id, step_type, status, output_data, attempts,
           (extract(epoch FROM started_at) * 1000)::bigint AS started_at
    FROM workflow_executions WHERE enrollment_id = ANY(%s::uuid[]) AND status NOT IN ('completed', 'skipped')
    ORDER BY seq
"""

LEDGER: Final = """
    SELECT action_key, enrollment_id::text, outcome, delivery, provider_id
    FROM send_ledger
    WHERE (enrollment_id = ANY(%s::uuid[]) AND (outcome NOT IN ('succeeded', 'skipped', 'cancelled') OR code = 'operator'))
       OR action_key = ANY(%s::text[])
    ORDER BY seq
"""

_ON_ENROLLMENT: Final = (set(enrollments.MODEL.journal) | set(executions.MODEL.journal)) - {j.Enrolled}
_ON_CONTACT: Final = {j.ContactEventAccepted, j.ContactChanged}

Cursor = psycopg.Cursor[dict[str, Any]]


def load(
    cursor: Cursor, changes: RowChanges, definitions: Sequence[d.DefinitionEvent], journal: Sequence[j.JournalEvent]
) -> None:
    """Make known to `changes` the rows that stand in the database and that the events will read."""
    _load_workflows(cursor, changes, definitions)
    born: set[str] = set()
    moved: set[str] = set()
    created: set[str] = set()
    contacts: set[str] = set()
    reported: set[str] = set()
    named: set[tuple[str, int]] = set()
    event: Any  # of a type that the branch knows
    for event in journal:
        type_ = type(event)
        if type_ in _ON_CONTACT:
            # A contact's very first event is number 1, so there is nothing of it to be found.
            (created if event.seq == 1 else contacts).add(event.contact_id)
        elif type_ is j.Enrolled:
            born.add(event.enrollment_id)
            named.add((event.workflow_id, event.version))
        elif type_ is j.TriggerSkipped:
            named.add((event.workflow_id, event.version))
        elif type_ is j.DeliveryReported:
            reported.add(event.action_key)
        if type_ in _ON_ENROLLMENT and event.enrollment_id is not None:
            moved.add(event.enrollment_id)
    _load_contacts(cursor, changes, contacts - created)
    _load_enrollments(cursor, changes, moved - born)
    _load_ledger(cursor, changes, moved - born, reported)
    _load_names(cursor, changes, definitions, named)


def _load_workflows(cursor: Cursor, changes: RowChanges, definitions: Iterable[d.DefinitionEvent]) -> None:
    touched = {
        event.workflow_id
        for event in definitions
        if not isinstance(event, d.TemplateDefined | d.DefinitionCommandResulted)
    }
    if touched:
        for row in cursor.execute(WORKFLOWS, [array_text(touched)]):
            changes.workflows.load(row["id"], row)


def _load_names(
    cursor: Cursor, changes: RowChanges, definitions: Iterable[d.DefinitionEvent], named: set[tuple[str, int]]
) -> None:
    fresh = {(e.workflow_id, e.version) for e in definitions if isinstance(e, d.DefinitionImported)}
    missing = named - fresh - changes.names.keys()
    if missing:
        for row in cursor.execute(VERSION_NAMES, [array_text({workflow_id for workflow_id, _ in missing})]):
            changes.names[row["workflow_id"], row["version"]] = row["name"]


def _load_contacts(cursor: Cursor, changes: RowChanges, contacts: set[str]) -> None:
    if contacts:
        for row in cursor.execute(CONTACTS, [array_text(contacts)]):
            row["tags"] = tuple(row["tags"])
            changes.contacts.load(row["id"], row)


def _load_enrollments(cursor: Cursor, changes: RowChanges, enrollments: set[str]) -> None:
    if enrollments:
        ids = [array_text(enrollments)]
        for row in cursor.execute(ENROLLMENTS, ids):
            changes.enrollments.load(row["id"], row)
        for row in cursor.execute(EXECUTIONS, ids):
            changes.executions.load(row["id"], row)


def _load_ledger(cursor: Cursor, changes: RowChanges, enrollments: set[str], reported: set[str]) -> None:
    if enrollments or reported:
        for row in cursor.execute(LEDGER, [array_text(enrollments), array_text(reported)]):
            changes.ledger.load(row["action_key"], row)
