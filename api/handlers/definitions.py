"""Definitions in and out: import as a new workflow or a new version, export as YAML or JSON."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote
from uuid import UUID

import msgspec
from aiohttp import web

from api.database import Database, Row, fetch_all
from api.finding import find_version, find_workflow
from api.problems import Unprocessable
from api.produce import definition_record
from api.requests import path_uuid
from api.responses import respond
from api.services import SERVICES
from api.upload import Upload, WorkflowUpload, readable
from api.write import Write, new_command_id, perform
from domain.definition import ImportDefinition, TemplateText
from domain.ids import deterministic_uuid
from schemas.api_bodies import CreateWorkflowQuery, ExportQuery
from schemas.api_resources import Workflow
from schemas.definition import Parsed, export, secret_warnings, template_warnings
from schemas.definition.diagnostics import in_order

_CONTENT_TYPES: Final = {"json": "application/json", "yaml": "application/yaml"}


async def create_workflow(
    request: web.Request, query: CreateWorkflowQuery, upload: WorkflowUpload
) -> web.StreamResponse:
    """Make a new workflow of a definition: a draft, with `publish=true` live at once unless it has errors."""
    parsed = _workflow(upload)
    command_id = await new_command_id(request)
    workflow_id = UUID(deterministic_uuid("workflow", str(command_id)))
    command = await _import(request, parsed, command_id, workflow_id, create=True, publish=query.publish)

    async def answer(_: Row) -> web.StreamResponse:
        row = await find_workflow(request.app[SERVICES].database, workflow_id)
        location = {"Location": f"/api/v1/workflows/{workflow_id}"}
        return respond(Workflow.model_validate(row), status=201, headers=location)

    record = definition_record(command)
    return await perform(request, Write(command_id=command_id, record=record, answer=answer, workflow_id=workflow_id))


async def import_definition(request: web.Request, upload: WorkflowUpload) -> web.StreamResponse:
    """Keep a definition as the workflow's next version (201); equal content answers the version that has it (200)."""
    workflow_id = path_uuid(request, "workflow_id")
    parsed = _workflow(upload)
    command_id = await new_command_id(request)
    command = await _import(request, parsed, command_id, workflow_id)

    async def answer(result: Row) -> web.StreamResponse:
        row = await find_workflow(request.app[SERVICES].database, workflow_id)
        location = {"Location": f"/api/v1/workflows/{workflow_id}/versions/{result['version']}"}
        status = 200 if result["result"] == "duplicate" else 201
        return respond(Workflow.model_validate(row), status=status, headers=location)

    return await perform(request, Write(command_id=command_id, record=definition_record(command), answer=answer))


async def export_definition(request: web.Request, query: ExportQuery) -> web.Response:
    """A version's definition as a file; by default JSON, and the published version, else the latest."""
    row = await find_version(request.app[SERVICES].database, path_uuid(request, "workflow_id"), query.version)
    text = export(msgspec.json.decode(row["document"]), query.format)
    return web.Response(
        body=text.encode(),
        headers={
            "Content-Type": f"{_CONTENT_TYPES[query.format]}; charset=utf-8",
            "Content-Disposition": _attachment(row["name"], query.format),
        },
    )


def _workflow(upload: Upload) -> Parsed:
    parsed = readable(upload, "workflow")
    if parsed.kind == "template":
        message = "expected a workflow, found a template; send it to POST /api/v1/templates"
        raise Unprocessable(message, code="not_a_workflow", diagnostics=[])
    return parsed


async def _import(
    request: web.Request,
    parsed: Parsed,
    command_id: UUID,
    workflow_id: UUID,
    *,
    create: bool = False,
    publish: bool = False,
) -> ImportDefinition:
    services = request.app[SERVICES]
    templates = await current_templates(services.database)
    unknown = () if services.secret_names is None else secret_warnings(parsed, services.secret_names)
    assert parsed.document is not None, "a readable definition has a document"
    return ImportDefinition(
        command_id=str(command_id),
        workflow_id=str(workflow_id),
        name=parsed.name,
        document=parsed.document,
        source=parsed.source,
        format=parsed.format,
        digest=parsed.digest,
        diagnostics=in_order((*parsed.diagnostics, *template_warnings(parsed, templates), *unknown)),
        create=create,
        publish=publish,
    )


async def current_templates(database: Database) -> dict[str, TemplateText]:
    """All templates by name, as they are now."""
    rows = await fetch_all(database, "all_templates", {})
    return {row["name"]: TemplateText(**row) for row in rows}


def _attachment(name: str, suffix: str) -> str:
    """The header that names the file: in plain ASCII for old clients, and as it is (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "workflow"
    return f"attachment; filename=\"{slug}.{suffix}\"; filename*=UTF-8''{quote(name, safe='')}.{suffix}"
