"""The send ledger: every intent to reach a provider, its attempts, what came of it, and what the provider said later."""

from functools import lru_cache
from typing import Any, Final

from domain import ids
from domain import journal as j
from domain.delivery import is_newer
from domain.steps.kinds import MESSAGE_KINDS
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from projections.rows import Row
from projections.tables import send_ledger
from schemas.event_log import Record

OPEN: Final = ("requested", "running", "waiting", "failed", "unknown")
"""Outcomes that may still become others; rows with the other ones change only by reports of their delivery, and
those that an operator settled by an outcome that came after all."""

action_key = lru_cache(maxsize=65_536)(ids.action_key)


def _requested(changes: RowChanges, event: j.ActionRequested, _: Record) -> None:
    request = event.personal.request
    _insert(
        changes, event, channel=event.channel, recipient=request.get("to") or request.get("url"), outcome="requested"
    )


def _insert(changes: RowChanges, event: Any, *, channel: str, recipient: Any, outcome: str, **columns: Any) -> None:
    key = action_key(event.enrollment_id, event.step_id, event.visit)
    enrollment = changes.enrollments.get(event.enrollment_id) or {}
    row: Row = {
        "action_key": key,
        "contact_id": event.contact_id,
        "workflow_id": enrollment.get("workflow_id"),
        "enrollment_id": event.enrollment_id,
        "step_id": event.step_id,
        "step_type": event.step_type,
        "visit": event.visit,
        "channel": channel,
        "recipient": recipient if isinstance(recipient, str) else None,
        "outcome": outcome,
        "code": None,
        "attempts": 0,
        "provider_id": None,
        "delivery": None,
        "delivery_at": None,
        "price": None,
        "requested_at": event.at_ms,
        "settled_at": None,
        "seq": event.seq,
    }
    changes.ledger.insert(key, row | columns)


def _set(changes: RowChanges, event: Any, **columns: Any) -> None:
    """A late outcome changes nothing that is settled: such a row may not even be loaded."""
    row = changes.ledger.get(event.action_key)
    if row is not None and row["outcome"] in OPEN:
        changes.ledger.set(event.action_key, columns)


def _started(changes: RowChanges, event: j.AttemptStarted, _: Record) -> None:
    _set(changes, event, outcome="running", attempts=event.attempt, code=None)


def _succeeded(changes: RowChanges, event: j.AttemptSucceeded, _: Record) -> None:
    columns = {"outcome": "succeeded", "code": None, "provider_id": event.provider_id, "settled_at": event.at_ms}
    status = event.personal.output.get("status")
    _set(changes, event, **columns, **({"delivery": status} if isinstance(status, str) else {}))


def _failed(changes: RowChanges, event: j.AttemptFailed, _: Record) -> None:
    _set(changes, event, outcome="failed" if event.retry_at_ms is None else "waiting", code=event.code)


def _unknown(changes: RowChanges, event: j.AttemptUnknown, _: Record) -> None:
    _set(changes, event, outcome="unknown" if event.retry_at_ms is None else "waiting", code=event.code)


def _skipped(changes: RowChanges, event: j.StepSkipped, _: Record) -> None:
    """A message that was not sent is accounted for too, also when it was never asked for. What is unknown stays so."""
    row = changes.ledger.get(action_key(event.enrollment_id, event.step_id, event.visit))
    if row is None:
        if event.step_type in MESSAGE_KINDS:
            channel, skipped = MESSAGE_KINDS[event.step_type], {"code": event.reason, "settled_at": event.at_ms}
            _insert(changes, event, channel=channel, recipient=None, outcome="skipped", **skipped)
    elif row["outcome"] in OPEN:
        outcome = "unknown" if row["outcome"] == "unknown" else "skipped"
        settled = {"outcome": outcome, "code": event.reason, "settled_at": event.at_ms}
        changes.ledger.set(row["action_key"], settled)


def _retried(changes: RowChanges, event: j.EnrollmentRetried, _: Record) -> None:
    """An operator asks for the same action again, or knows that it was done."""
    columns: Row
    match event.how:
        case "again":
            columns = {"outcome": "requested", "code": None}
        case "succeeded":
            columns = {"outcome": "succeeded", "code": "operator", "settled_at": event.at_ms}
        case _:
            return
    for row in changes.ledger.of(event.enrollment_id):
        if row["outcome"] in ("failed", "unknown"):
            changes.ledger.set(row["action_key"], columns)


def _ended(changes: RowChanges, event: Any, _: Record) -> None:
    """What was not begun will not be; a call on its way still has its outcome."""
    for row in changes.ledger.of(event.enrollment_id):
        if row["outcome"] in ("requested", "waiting"):
            changes.ledger.set(row["action_key"], {"outcome": "cancelled", "settled_at": event.at_ms})


def _delivery(changes: RowChanges, event: j.DeliveryReported, _: Record) -> None:
    row = changes.ledger.get(event.action_key)
    if row is None:
        return
    columns: Row = {}
    if row["outcome"] == "unknown":  # whatever it says of the delivery: the provider has the message
        columns |= {"outcome": "succeeded", "code": None, "settled_at": event.at_ms}
    if row["provider_id"] is None and event.provider_id is not None:
        columns["provider_id"] = event.provider_id
    if event.price is not None:
        columns["price"] = event.price
    if is_newer(row["delivery"], event.status):
        columns |= {"delivery": event.status, "delivery_at": event.occurred_at_ms or event.at_ms}
    if columns:
        changes.ledger.set(event.action_key, columns)


MODEL = ReadModel(
    name="ledger",
    tables=(send_ledger,),
    reads=("enrollments",),
    journal={
        j.ActionRequested: _requested,
        j.AttemptStarted: _started,
        j.AttemptSucceeded: _succeeded,
        j.AttemptFailed: _failed,
        j.AttemptUnknown: _unknown,
        j.StepSkipped: _skipped,
        j.EnrollmentRetried: _retried,
        j.EnrollmentExited: _ended,
        j.EnrollmentCancelled: _ended,
        j.DeliveryReported: _delivery,
    },
)
