"""What an operator does with a workflow: publish, pause, resume, archive."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web

from api.database import Row
from api.finding import find_version, find_workflow
from api.produce import definition_record
from api.requests import path_uuid
from api.responses import respond
from api.services import SERVICES
from api.write import Write, new_command_id, perform
from domain.definition import ArchiveWorkflow, DefinitionCommand, PauseWorkflow, PublishVersion, ResumeWorkflow
from schemas.api_bodies import PublishBody
from schemas.api_resources import Workflow


async def publish_workflow(request: web.Request, body: PublishBody) -> web.StreamResponse:
    """Make a version (by default the latest) the live one; a version with errors is refused with its diagnostics."""
    workflow_id = path_uuid(request, "workflow_id")
    command_id = await new_command_id(request)
    command = PublishVersion(
        command_id=str(command_id),
        workflow_id=str(workflow_id),
        version=body.version,
        in_flight=body.in_flight,
        accept=tuple(body.accept),
    )
    return await _change(request, workflow_id, command_id, command)


async def pause_workflow(request: web.Request) -> web.StreamResponse:
    """Stop enrolling, and let open enrollments stand still."""
    return await _switch(request, PauseWorkflow)


async def resume_workflow(request: web.Request) -> web.StreamResponse:
    """Undo a pause."""
    return await _switch(request, ResumeWorkflow)


async def archive_workflow(request: web.Request) -> web.StreamResponse:
    """Stop enrolling for good; open enrollments finish on their version."""
    return await _switch(request, ArchiveWorkflow)


async def _switch(
    request: web.Request, kind: type[PauseWorkflow | ResumeWorkflow | ArchiveWorkflow]
) -> web.StreamResponse:
    workflow_id = path_uuid(request, "workflow_id")
    command_id = await new_command_id(request)
    command = kind(command_id=str(command_id), workflow_id=str(workflow_id))
    return await _change(request, workflow_id, command_id, command)


async def _change(
    request: web.Request, workflow_id: UUID, command_id: UUID, command: DefinitionCommand
) -> web.StreamResponse:
    """Send the command, and answer with the workflow as it is then."""
    database = request.app[SERVICES].database

    async def answer(_: Row) -> web.StreamResponse:
        return respond(Workflow.model_validate(await find_workflow(database, workflow_id)))

    async def explain(result: Row) -> Mapping[str, Any]:
        if result["code"] != "has_errors":
            return {}
        version = await find_version(database, workflow_id, result["version"])
        return {"version": result["version"], "diagnostics": version["diagnostics"]}

    write = Write(command_id=command_id, record=definition_record(command), answer=answer, explain=explain)
    return await perform(request, write)
