"""A workflow test as a document, its keys in the order in which one reads it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.contact import Contact
from domain.definition import TemplateText
from domain.path import Visit
from domain.spans import format_span
from domain.times import format_time
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Happening, Lateness, Wish, WorkflowTest
from schemas.workflow_tests.model import KIND


def write_test(
    test: WorkflowTest,
    *,
    workflow_name: str,
    definition: str | Mapping[str, Any],
    templates: Mapping[str, TemplateText],
) -> dict[str, Any]:
    """The document of a test, its keys in the order in which one reads it."""
    given = {
        "time": format_time(test.starts_at_ms),
        "contact": _written_contact(test.contact),
        **({"last_sms_reply": test.last_sms_reply} if test.last_sms_reply is not None else {}),
        **({"opted_out": [_written_consent(one) for one in test.opted_out]} if test.opted_out else {}),
        **({"enrolled_before": test.enrolled_before} if test.enrolled_before else {}),
        **({"phone_region": test.phone_region} if test.phone_region else {}),
    }
    then = {
        **({"enrolled": test.expects.trigger} if test.expects.trigger else {}),
        "steps": [_written_visit(visit) for visit in test.expects.visits],
        "ends": test.expects.ends,
    }
    document = {
        "kind": KIND,
        "name": test.name,
        "workflow": {"id": test.workflow_id, "name": workflow_name, "version": test.version},
        "given": given,
        "when": [_written_happens(one) for one in test.happens],
        "outcomes": [_written_outcome(one) for one in test.outcomes],
        "late": [_written_late(one) for one in test.late],
        "lasts": format_span(test.lasts_ms),
        "then": then,
        "definition": definition if isinstance(definition, str) else dict(definition),
        "templates": [msgspec.to_builtins(one) for one in templates.values()],
    }
    return {key: value for key, value in document.items() if value != []}


def _written_contact(contact: Contact) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(contact))
    times = {name: fields.pop(f"{name}_ms", 0) for name in ("created_at", "updated_at")}
    return fields | {name: format_time(at_ms) for name, at_ms in times.items() if at_ms}


def _written_consent(one: Consent) -> dict[str, Any]:
    allowed = {"allowed": True} if one.allowed else {}
    return {"channel": one.channel, "address": one.address, **allowed, "reason": one.reason}


def _written_happens(one: Happening) -> dict[str, Any]:
    at = {"at": format_span(one.at_ms)}
    if isinstance(one, Consent):
        return {**at, "consent": _written_consent(one)}
    if isinstance(one, Delivery):
        code = {"code": one.code} if one.code is not None else {}
        told = {"step": one.step, **_visit_number(one.visit), "channel": one.channel, "status": one.status, **code}
        return {**at, "delivery": told}
    if isinstance(one, Wish):
        of_repair = {"step": one.step, **_visit_number(one.visit)} if one.step else {}
        return {**at, "operator": one.what, **({"as": one.how} if one.how else {}), **of_repair}
    return {
        **at,
        "event": one.type,
        **({"data": one.data} if one.data else {}),
        **({"source": one.source} if one.source != "test" else {}),
        **({"time": one.time} if one.time else {}),
        **({"hops": one.hops} if one.hops else {}),
    }


def _written_outcome(one: AttemptOutcome) -> dict[str, Any]:
    fields = {
        "code": one.code,
        "message": one.message,
        "again_after": None if one.retry_after_ms is None else format_span(one.retry_after_ms),
        "provider_id": one.provider_id,
        "output": one.output or None,
        "state": one.state,
    }
    return {
        "step": one.step,
        **_visit_number(one.visit),
        **({"attempt": one.attempt} if one.attempt > 1 else {}),
        **({"after": format_span(one.after_ms)} if one.after_ms else {}),
        "outcome": one.outcome,
        **{name: value for name, value in fields.items() if value is not None},
    }


def _written_late(one: Lateness) -> dict[str, Any]:
    return {
        "step": one.step,
        **_visit_number(one.visit),
        **({"attempt": one.attempt} if one.attempt != 1 else {}),
        "by": format_span(one.late_ms),
        **({"held": True} if one.held else {}),
    }


def _written_visit(visit: Visit) -> dict[str, Any]:
    fields = {
        "did": visit.did if visit.did != "completed" else None,
        "code": visit.code,
        "branch": visit.branch,
        "waits": None if visit.waits_ms is None else format_span(visit.waits_ms),
        "sends": visit.sends,
        "changes": list(visit.changes) or None,
    }
    named = {"step": visit.step, **_visit_number(visit.visit)}
    return named | {name: value for name, value in fields.items() if value is not None}


def _visit_number(number: int) -> dict[str, int]:
    return {"visit": number} if number > 1 else {}
