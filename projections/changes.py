"""What one batch changes on the read side, over all tables."""

from typing import Any

import psycopg

from projections import tables
from projections.rows import TableRows, copy_rows


class RowChanges:
    """The rows of every table during a batch, and the names of workflow versions.

    Read models fold events into it; nothing else is known to them, so they are tested without a database.
    """

    def __init__(self, names: dict[tuple[str, int], str] | None = None) -> None:
        self.names = {} if names is None else names
        """The name of each version of each workflow that the batch speaks of; versions never change theirs."""
        self.workflows = TableRows(tables.workflows)
        self.versions = TableRows(tables.workflow_versions)
        self.templates = TableRows(tables.templates, on_conflict="replace")
        self.contacts = TableRows(tables.contacts)
        self.enrollments = TableRows(tables.workflow_enrollments)
        self.executions = TableRows(tables.workflow_executions, group="enrollment_id")
        self.incidents = TableRows(tables.incidents)
        self.command_results = TableRows(tables.command_results, on_conflict="keep")
        self.partitions = TableRows(tables.partitions)
        self.catalogue_advances = TableRows(tables.catalogue_advances)
        self.dead_letters = TableRows(tables.dead_letters)
        self.ledger = TableRows(tables.send_ledger, group="enrollment_id")
        self.consents = TableRows(tables.consents, on_conflict="replace")
        self.timeline: list[tuple[Any, ...]] = []
        """Rows of the timeline, in its column order: nothing ever changes one."""

    @property
    def tables(self) -> tuple[TableRows, ...]:
        """All tables but the timeline."""
        return (
            self.workflows,
            self.versions,
            self.templates,
            self.contacts,
            self.enrollments,
            self.executions,
            self.incidents,
            self.command_results,
            self.partitions,
            self.catalogue_advances,
            self.dead_letters,
            self.ledger,
            self.consents,
        )

    def workflow_name(self, workflow_id: str, version: int) -> str:
        """What a person calls this version's workflow: its name, or the id where there is none."""
        return self.names.get((workflow_id, version)) or workflow_id

    def write(self, cursor: psycopg.Cursor[Any]) -> None:
        """Write everything, in the cursor's transaction."""
        for rows in self.tables:
            rows.write(cursor)
        if self.timeline:
            copy_rows(cursor, tables.timeline, self.timeline)
