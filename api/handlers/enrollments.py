"""Enrollments: who runs through a workflow, by what steps, and what an operator wants done about it."""

from collections.abc import Callable
from uuid import UUID

from aiohttp import web

from api.database import Row
from api.finding import find_enrollment, find_workflow
from api.listing import page_of, respond_page
from api.listings import ENROLLMENTS, EXECUTIONS
from api.moment import moment_of
from api.past import enrollment_as_of
from api.produce import command_record
from api.requests import path_uuid
from api.responses import respond
from api.services import SERVICES
from api.write import Write, new_command_id, perform
from domain.command import (
    CancelEnrollment,
    Command,
    EnrollContact,
    PauseEnrollment,
    RepairEnrollment,
    ResumeEnrollment,
    RetryEnrollment,
)
from schemas.api_bodies import AsOfQuery, CancelBody, EnrollBody, EnrollmentsQuery, ExecutionsQuery, RetryBody
from schemas.api_repair import RepairBody
from schemas.api_resources import Enrollment


async def list_enrollments(request: web.Request, query: EnrollmentsQuery) -> web.Response:
    """A workflow's enrollments, the newest first."""
    workflow_id = path_uuid(request, "workflow_id")
    await find_workflow(request.app[SERVICES].database, workflow_id)
    return await respond_page(request, ENROLLMENTS, query, {"workflow_id": workflow_id, "status": query.status})


async def enroll_contact(request: web.Request, body: EnrollBody) -> web.StreamResponse:
    """Enrol a contact by hand in the published version; re-entry rules hold (409)."""
    services = request.app[SERVICES]
    workflow_id = path_uuid(request, "workflow_id")
    command_id = await new_command_id(request)
    command = EnrollContact(command_id=str(command_id), contact_id=body.contact_id, workflow_id=str(workflow_id))

    async def answer(result: Row) -> web.StreamResponse:
        row = await find_enrollment(services.database, result["enrollment_id"])
        location = {"Location": f"/api/v1/enrollments/{row['id']}"}
        return respond(Enrollment.model_validate(row), status=201, headers=location)

    return await perform(request, Write(command_id=command_id, record=command_record(services, command), answer=answer))


async def get_enrollment(request: web.Request, query: AsOfQuery) -> web.Response:
    """One enrollment, as it is or as it was."""
    at_ms = moment_of(request, query.at)
    enrollment_id = path_uuid(request, "enrollment_id")
    if at_ms is None:
        row = await find_enrollment(request.app[SERVICES].database, enrollment_id)
    else:
        row, _ = await enrollment_as_of(request, enrollment_id, at_ms)
    return respond(Enrollment.model_validate(row))


async def list_executions(request: web.Request, query: ExecutionsQuery) -> web.Response:
    """An enrollment's executions, in the journal's order."""
    at_ms = moment_of(request, query.at)
    enrollment_id = path_uuid(request, "enrollment_id")
    if at_ms is not None:
        _, past = await enrollment_as_of(request, enrollment_id, at_ms)
        return respond(page_of(EXECUTIONS, past.executions(str(enrollment_id)), query))
    await find_enrollment(request.app[SERVICES].database, enrollment_id)
    return await respond_page(request, EXECUTIONS, query, {"enrollment_id": enrollment_id})


async def cancel_enrollment(request: web.Request, body: CancelBody) -> web.StreamResponse:
    """End an enrollment now."""

    def command(command_id: str, contact_id: str, enrollment_id: str) -> Command:
        return CancelEnrollment(
            command_id=command_id, contact_id=contact_id, enrollment_id=enrollment_id, reason=body.reason
        )

    return await _operate(request, command)


async def pause_enrollment(request: web.Request) -> web.StreamResponse:
    """Let an enrollment stand still."""

    def command(command_id: str, contact_id: str, enrollment_id: str) -> Command:
        return PauseEnrollment(command_id=command_id, contact_id=contact_id, enrollment_id=enrollment_id)

    return await _operate(request, command)


async def resume_enrollment(request: web.Request) -> web.StreamResponse:
    """Let a paused enrollment go on; its timers shift by the time it stood still."""

    def command(command_id: str, contact_id: str, enrollment_id: str) -> Command:
        return ResumeEnrollment(command_id=command_id, contact_id=contact_id, enrollment_id=enrollment_id)

    return await _operate(request, command)


async def retry_enrollment(request: web.Request, body: RetryBody) -> web.StreamResponse:
    """Settle a failed enrollment's incident: do the step again, take it as succeeded, or skip it."""

    def command(command_id: str, contact_id: str, enrollment_id: str) -> Command:
        return RetryEnrollment(command_id=command_id, contact_id=contact_id, enrollment_id=enrollment_id, how=body.how)

    return await _operate(request, command)


async def repair_enrollment(request: web.Request, body: RepairBody) -> web.StreamResponse:
    """Settle a late or failed step: run it now, skip it, or leave the workflow; on the record, by whom and why."""

    def command(command_id: str, contact_id: str, enrollment_id: str) -> Command:
        return RepairEnrollment(
            command_id=command_id,
            contact_id=contact_id,
            enrollment_id=enrollment_id,
            how=body.how,
            step_id=body.step_id,
            visit=body.visit,
            by=body.by,
            note=body.note,
        )

    return await _operate(request, command)


async def _operate(request: web.Request, make: Callable[[str, str, str], Command]) -> web.StreamResponse:
    """Send an operator's command about an enrollment, and answer with the enrollment as it is then."""
    services = request.app[SERVICES]
    enrollment_id: UUID = path_uuid(request, "enrollment_id")
    contact_id = (await find_enrollment(services.database, enrollment_id))["contact_id"]
    command_id = await new_command_id(request)
    command = make(str(command_id), contact_id, str(enrollment_id))

    async def answer(_: Row) -> web.StreamResponse:
        row = await find_enrollment(services.database, enrollment_id)
        return respond(Enrollment.model_validate(row))

    return await perform(request, Write(command_id=command_id, record=command_record(services, command), answer=answer))
