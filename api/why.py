"""Why: the question put to the contact's past, and the answer as the API shows it."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from api.database import Row, fetch_all
from api.finding import find_contact, find_enrollment, find_workflow
from api.moment import moment_of
from api.past import ContactPast, contact_past, definitions_of, ensure_known
from api.problems import BadRequest, NotFound
from api.services import SERVICES
from api.version import engine_version
from domain.catalogue import Catalogue
from domain.partition import home_partition
from domain.why import story
from domain.why.answering import NoSuchEnrollment, answer
from domain.why.past import recall
from projections.past.definitions import WorkflowPast
from projections.past.rows import moment
from schemas.api_bodies import WhyQuery
from schemas.api_reports import Why


async def tell_why(request: web.Request, contact_id: str, query: WhyQuery) -> Why:
    """The answer to the question.

    Raises:
        BadRequest: neither a workflow nor an enrollment is named.
        NotFound: there is no such contact, workflow or enrollment, or the contact was not known then.
    """
    at_ms = moment_of(request, query.at)
    contact = await find_contact(request.app[SERVICES].database, contact_id)
    if at_ms is not None:
        ensure_known(contact, at_ms)
    workflow_id = str(await _workflow_id(request, contact_id, query))
    definitions = await definitions_of(request, workflow_id)
    past = await contact_past(request, contact_id, at_ms)
    catalogue_of = await _catalogues(request, past, definitions)
    until_ms = request.app[SERVICES].clock() if at_ms is None else at_ms

    def tell() -> story.Why:
        return answer(
            recall(contact_id, (event for event, _ in past.journal), catalogue_of),
            definitions.latest if at_ms is None else definitions.at(at_ms),
            contact_id=contact_id,
            workflow_id=workflow_id,
            at_ms=until_ms,
            enrollment_id=str(query.enrollment_id) if query.enrollment_id else None,
            step_id=query.step_id,
        )

    try:
        told = await asyncio.to_thread(tell)  # a long journal would hold others up
    except NoSuchEnrollment as error:
        raise NotFound(f"{error} at that time" if at_ms is not None else str(error)) from error
    return Why.model_validate(shown(told) | {"engine": engine_version()})


async def _workflow_id(request: web.Request, contact_id: str, query: WhyQuery) -> UUID:
    database = request.app[SERVICES].database
    if query.workflow_id is not None:
        await find_workflow(database, query.workflow_id)
        return query.workflow_id
    if query.enrollment_id is None:
        message = "expected ?workflow_id= or ?enrollment_id=: what is to be explained"
        raise BadRequest(message, code="bad_query")
    enrollment: Row = await find_enrollment(database, query.enrollment_id)
    if enrollment["contact_id"] != contact_id:
        message = f"enrollment {query.enrollment_id} is of another contact"
        raise NotFound(message)
    workflow_id: UUID = enrollment["workflow_id"]
    return workflow_id


async def _catalogues(request: web.Request, past: ContactPast, definitions: WorkflowPast) -> Callable[[int], Catalogue]:
    """The definitions in force at the event with a seq: those that its partition's journal says so of."""
    services = request.app[SERVICES]
    partition = home_partition(past.contact_id, services.partitions)
    rows = await fetch_all(services.database, "catalogue_advances", {"partition": partition})
    starts = [row["offset"] for row in rows]

    def catalogue_of(seq: int) -> Catalogue:
        before = bisect_left(starts, past.journal[seq - 1][1].offset)
        return definitions.below(rows[before - 1]["catalogue_offset"] if before else 0)

    return catalogue_of


def shown(value: Any) -> Any:
    """What was told, with times instead of milliseconds; plain data stays as it is."""
    if isinstance(value, msgspec.Struct):
        return dict(map(_shown_field, value.__struct_fields__, msgspec.structs.astuple(value)))
    return [shown(item) for item in value] if isinstance(value, tuple) else value


def _shown_field(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith("_ms"):
        return name.removesuffix("_ms"), None if value is None else moment(value)
    return name, shown(value)
