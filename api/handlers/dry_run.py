"""The dry run: the path that a contact would take now. Nothing is sent and nothing is written."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from api.database import Database, Row, fetch_all, fetch_one
from api.finding import find_contact, find_version
from api.handlers.definitions import current_templates
from api.problems import BadRequest, Unprocessable
from api.requests import contact_id, path_uuid
from api.responses import respond
from api.services import SERVICES
from domain.consent import Suppression
from domain.contact import ATTRIBUTES, Contact
from domain.definition import TemplateText
from domain.delivery import RANKS
from domain.frequency import MAX_MESSAGES, MAX_SPAN_MS, Sent
from domain.simulation import Assumed, dry_run
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.steps.wait_for_event import DELIVERY
from domain.workflow import Workflow
from schemas.api_bodies import AssumedEventBody, DryRunBody, DryRunQuery, InlineContact
from schemas.api_reports import DryRun, DryRunStep
from schemas.contact_event_data import problem_with
from schemas.definition import compile_workflow


async def test_workflow(request: web.Request, query: DryRunQuery, body: DryRunBody) -> web.StreamResponse:
    """Walk a contact (known, or given in the body) through a version; by default the published one, else the latest."""
    services = request.app[SERVICES]
    workflow_id = path_uuid(request, "workflow_id")
    version = await find_version(services.database, workflow_id, query.version)
    now_ms = services.clock()
    if (query.contact_id is None) == (body.contact is None):
        message = "expected either ?contact_id= or a contact in the body"
        raise BadRequest(message, code="no_contact")
    contact, known = (
        (_inline(body.contact), {"last_sms_reply": body.contact.last_sms_reply})
        if body.contact is not None
        else await _known(services.database, workflow_id, contact_id(query.contact_id or ""), now_ms)
    )
    run = dry_run(
        await _compiled(services.database, version),
        contact,
        now_ms=now_ms,
        event=body.event,
        events=list(map(_assumed, body.events)),
        phone_region=services.webhooks.phone_region,
        **known,
    )
    steps = [
        DryRunStep.model_validate(msgspec.structs.asdict(step) | {"at": datetime.fromtimestamp(step.at_ms / 1000, UTC)})
        for step in run.steps
    ]
    answer = DryRun(
        workflow_id=workflow_id,
        version=version["version"],
        contact_id=contact.id,
        enrolled=run.enrolled,
        reason=run.reason,
        steps=steps,
        ends=run.ends,
    )
    return respond(answer)


def _assumed(event: AssumedEventBody) -> Assumed:
    """What comes while the contact waits.

    Raises:
        Unprocessable: its data is not what its type asks for.
    """
    problem = problem_with(event.type, event.data)
    if event.type == DELIVERY and event.data.get("status") not in RANKS:
        problem = f"data.status: expected one of {', '.join(RANKS)}"
    if problem is not None:
        raise Unprocessable(problem, code="bad_data")
    return Assumed(type=event.type, data=event.data)


async def _compiled(database: Database, version: Row) -> Workflow:
    """The version as the engine would run it: with its pinned texts, or with today's while it is a draft."""
    pinned = msgspec.convert(version["templates"], dict[str, TemplateText])
    templates = await current_templates(database) if version["status"] == "draft" else pinned
    document = msgspec.json.decode(version["document"])
    return compile_workflow(
        document, workflow_id=str(version["workflow_id"]), version=version["version"], templates=templates
    )


async def _known(database: Database, workflow_id: UUID, contact_id: str, now_ms: int) -> tuple[Contact, dict[str, Any]]:
    """A contact that is there, and what else the path may depend on: enrollments before this one, consent, messages."""
    row = await find_contact(database, contact_id)
    about = {"contact_id": contact_id}
    history = await fetch_one(database, "enrollments_of_contact", about | {"workflow_id": workflow_id})
    assert history is not None, "an aggregate always has a row"
    consents = await fetch_all(database, "consents_of_contact", about)
    channels, since = sorted(MESSAGE_CHANNELS), datetime.fromtimestamp((now_ms - MAX_SPAN_MS) / 1000, UTC)
    asked = about | {"channels": channels, "since": since, "limit": MAX_MESSAGES * len(channels)}
    messages = await fetch_all(database, "messages_of_contact", asked)
    sent = sorted(
        (Sent(one["channel"], one["action_key"], _milliseconds(one["at"])) for one in messages),
        key=lambda one: one.at_ms,
    )
    return _contact(row), {
        "last_sms_reply": row["last_sms_reply"],
        "enrolled_before": history["before"],
        "enrolled_now": history["now"],
        "suppressions": tuple(
            Suppression(one["channel"], one["address"], one["reason"], _milliseconds(one["at"]))
            for one in consents
            if not one["allowed"]
        ),
        "sent": tuple(sent),
    }


def _inline(given: InlineContact) -> Contact:
    attributes = {name: getattr(given, name) for name in ATTRIBUTES}
    return Contact(id=given.id, **attributes, tags=tuple(given.tags), custom_fields=given.custom_fields, created=True)


def _contact(row: Row) -> Contact:
    return Contact(
        id=row["id"],
        **{name: row[name] for name in ATTRIBUTES},
        tags=tuple(row["tags"]),
        custom_fields=row["custom_fields"],
        created_at_ms=_milliseconds(row["created_at"]),
        updated_at_ms=_milliseconds(row["updated_at"]),
        created=row["created"],
    )


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
