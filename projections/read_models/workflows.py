"""Workflows, their versions and the templates, as the definitions make them."""

from typing import Any

import msgspec

from domain import definition as d
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from schemas.event_log import Record


def _imported(changes: RowChanges, event: d.DefinitionImported, _: Record) -> None:
    diagnostics = msgspec.to_builtins(event.diagnostics)
    changes.names[event.workflow_id, event.version] = event.name
    changes.versions.insert(
        (event.workflow_id, event.version),
        {
            "workflow_id": event.workflow_id,
            "version": event.version,
            "status": "draft",
            "name": event.name,
            "document": msgspec.json.encode(event.document).decode(),
            "source": event.source,
            "format": event.format,
            "digest": event.digest,
            "diagnostics": diagnostics,
            "templates": {},
            "created_at": event.at_ms,
            "published_at": None,
        },
    )
    latest = {
        "name": event.name,
        "version": event.version,
        "diagnostics": diagnostics,
        "updated_at": event.at_ms,
    }
    if changes.workflows.get(event.workflow_id) is not None:
        changes.workflows.set(event.workflow_id, latest)
        return
    changes.workflows.insert(
        event.workflow_id,
        {
            "id": event.workflow_id,
            "name": event.name,
            "status": "draft",
            "version": event.version,
            "published_version": None,
            "diagnostics": diagnostics,
            "created_at": event.at_ms,
            "updated_at": event.at_ms,
            "paused_at": None,
        },
    )


def _published(changes: RowChanges, event: d.VersionPublished, _: Record) -> None:
    workflow = changes.workflows.get(event.workflow_id)
    assert workflow is not None, f"workflow {event.workflow_id} was never imported"
    before = workflow["published_version"]
    if before is not None and before != event.version:
        changes.versions.set((event.workflow_id, before), {"status": "retired"})
    changes.versions.set(
        (event.workflow_id, event.version),
        {
            "status": "published",
            "templates": msgspec.to_builtins(event.templates),
            "published_at": event.at_ms,
        },
    )
    status = "active" if workflow["status"] == "draft" else workflow["status"]
    _change(changes, event, status=status, published_version=event.version)


def _paused(changes: RowChanges, event: d.WorkflowPaused, _: Record) -> None:
    _change(changes, event, status="paused", paused_at=event.at_ms)


def _resumed(changes: RowChanges, event: d.WorkflowResumed, _: Record) -> None:
    _change(changes, event, status="active", paused_at=None)


def _archived(changes: RowChanges, event: d.WorkflowArchived, _: Record) -> None:
    _change(changes, event, status="archived", paused_at=None)


def _change(changes: RowChanges, event: d.DefinitionEvent, **columns: Any) -> None:
    changes.workflows.set(event.workflow_id, {**columns, "updated_at": event.at_ms})


def _template(changes: RowChanges, event: d.TemplateDefined, _: Record) -> None:
    template = event.template
    changes.templates.insert(
        template.name,
        {
            "name": template.name,
            "channel": template.channel,
            "subject": template.subject,
            "body": template.body,
            "html": template.html,
            "sendgrid_template_id": template.sendgrid_template_id,
            "updated_at": event.at_ms,
        },
    )


MODEL = ReadModel(
    name="workflows",
    tables=(tables.workflows, tables.workflow_versions, tables.templates),
    definitions={
        d.DefinitionImported: _imported,
        d.VersionPublished: _published,
        d.WorkflowPaused: _paused,
        d.WorkflowResumed: _resumed,
        d.WorkflowArchived: _archived,
        d.TemplateDefined: _template,
    },
)
