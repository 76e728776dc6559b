"""Executions: each visit of each step, with what it was given, what it gave and how it ended."""

from functools import lru_cache
from typing import Any

from domain import ids
from domain import journal as j
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from projections.rows import Row
from projections.sql_text import time_text
from schemas.event_log import Record

OPEN = ("pending", "running")
SETTLED = ("completed", "skipped")
"""Statuses that nothing leaves (see `domain.execution`); rows in them are not even loaded again."""

_execution_id = lru_cache(maxsize=65_536)(ids.execution_id)


def unsettled(changes: RowChanges, event: Any) -> Row | None:
    """The row of the event's visit, unless it is settled: a late outcome changes nothing there."""
    row = changes.executions.get(_execution_id(event.enrollment_id, event.step_id, event.visit))
    return None if row is None or row["status"] in SETTLED else row


def _set(changes: RowChanges, row: Row, columns: Row) -> None:
    changes.executions.set(row["id"], columns)


def _enter(changes: RowChanges, event: Any, columns: Row) -> None:
    """Make the row of a visit's first event, or bring the row of a retried visit forward."""
    row = unsettled(changes, event)
    if row is not None:
        if row["started_at"] is not None:
            columns.pop("started_at", None)
        if "output_data" in columns:
            columns["output_data"] = row["output_data"] | columns["output_data"]
        if not columns.get("input_data"):
            columns.pop("input_data", None)
        _set(changes, row, {"error_message": None, "completed_at": None, **columns})
        return
    id_ = _execution_id(event.enrollment_id, event.step_id, event.visit)
    get = columns.get
    changes.executions.insert(
        id_,
        {
            "id": id_,
            "enrollment_id": event.enrollment_id,
            "step_id": event.step_id,
            "step_type": event.step_type,
            "status": columns["status"],
            "input_data": get("input_data") or {},
            "output_data": get("output_data") or {},
            "error_message": get("error_message"),
            "started_at": get("started_at"),
            "completed_at": get("completed_at"),
            "visit": event.visit,
            "attempts": 0,
            "seq": event.seq,
        },
    )


def _timer_set(changes: RowChanges, event: j.TimerSet, _: Record) -> None:
    step = event.personal
    output = {"delay_until": time_text(event.due_at_ms)} | step.output
    waiting = {"status": "running", "input_data": step.input, "output_data": output, "started_at": event.at_ms}
    _enter(changes, event, waiting)


def _event_awaited(changes: RowChanges, event: j.EventAwaited, _: Record) -> None:
    output = {} if event.due_at_ms is None else {"delay_until": time_text(event.due_at_ms)}
    waiting = {"status": "running", "input_data": event.personal.input, "output_data": output}
    _enter(changes, event, {**waiting, "started_at": event.at_ms})


def _action_requested(changes: RowChanges, event: j.ActionRequested, _: Record) -> None:
    _goes_on(changes, event)
    _enter(changes, event, {"status": "pending", "input_data": event.personal.request})


def _send_held(changes: RowChanges, event: j.SendHeld, _: Record) -> None:
    row = unsettled(changes, event)
    status = row["status"] if row is not None and row["status"] in OPEN else "pending"
    output = {"reason": event.reason, "delay_until": time_text(event.until_ms)}
    _enter(changes, event, {"status": status, "output_data": output})


def _goes_on(changes: RowChanges, event: Any) -> None:
    """A message that was held is not any more."""
    row = unsettled(changes, event)
    if row is not None and "delay_until" in row["output_data"]:
        kept = {key: value for key, value in row["output_data"].items() if key not in ("reason", "delay_until")}
        _set(changes, row, {"output_data": kept})


def _retry_due(changes: RowChanges, event: j.RetryDue, _: Record) -> None:
    _goes_on(changes, event)


def _attempt_started(changes: RowChanges, event: j.AttemptStarted, _: Record) -> None:
    row = unsettled(changes, event)
    if row is None:
        return
    columns = {"status": "running", "attempts": event.attempt, "completed_at": None}
    if row["started_at"] is None:
        columns["started_at"] = event.at_ms
    _set(changes, row, columns)


def _attempt_succeeded(changes: RowChanges, event: j.AttemptSucceeded, _: Record) -> None:
    row = unsettled(changes, event)
    if row is None:
        return
    output = row["output_data"] | event.personal.output
    if event.provider_id is not None:
        output.setdefault("provider_id", event.provider_id)
    _set(changes, row, {"output_data": output, "error_message": None})


def _attempt_failed(changes: RowChanges, event: j.AttemptFailed, _: Record) -> None:
    row = unsettled(changes, event)
    if row is not None:
        _set(changes, row, {"error_message": event.personal.message or event.code})


def _attempt_unknown(changes: RowChanges, event: j.AttemptUnknown, _: Record) -> None:
    row = unsettled(changes, event)
    if row is None:
        return
    message = event.personal.message or event.code
    if event.retry_at_ms is not None or event.ask_at_ms is not None:
        _set(changes, row, {"error_message": message})
    else:
        _set(changes, row, {"status": "failed", "error_message": message, "completed_at": event.at_ms})


def _step_completed(changes: RowChanges, event: j.StepCompleted, _: Record) -> None:
    step = event.personal
    output = step.output
    if event.branch is not None:
        output = {"branch": event.branch} | output
    done = {"status": "completed", "started_at": event.at_ms, "completed_at": event.at_ms}
    _enter(changes, event, {**done, "input_data": step.input, "output_data": output})


def _step_skipped(changes: RowChanges, event: j.StepSkipped, _: Record) -> None:
    skipped = {"status": "skipped", "completed_at": event.at_ms, "output_data": {"reason": event.reason}}
    _enter(changes, event, skipped)


def _step_failed(changes: RowChanges, event: j.StepFailed, _: Record) -> None:
    message = event.personal.message or event.code
    failed = {"status": "failed", "error_message": message, "completed_at": event.at_ms}
    _enter(changes, event, {**failed, "input_data": event.personal.input, "started_at": event.at_ms})


def _incident_opened(changes: RowChanges, event: j.IncidentOpened, _: Record) -> None:
    if event.enrollment_id is None:
        return
    message = event.personal.message or event.code
    for row in changes.executions.of(event.enrollment_id):
        if row["step_id"] == event.step_id and row["status"] in OPEN:
            _set(changes, row, {"status": "failed", "error_message": message, "completed_at": event.at_ms})


def _ended(changes: RowChanges, event: Any, _: Record) -> None:
    for row in changes.executions.of(event.enrollment_id):
        if row["status"] in OPEN:
            _set(changes, row, {"status": "skipped", "completed_at": event.at_ms})


def _resumed(changes: RowChanges, event: j.EnrollmentResumed, _: Record) -> None:
    """The open wait is due later: when `enrollments`, folded before, now says."""
    enrollment = changes.enrollments.get(event.enrollment_id)
    due = enrollment["next_action_at"] if enrollment else None
    for row in changes.executions.of(event.enrollment_id):
        if due is not None and row["status"] == "running" and "delay_until" in row["output_data"]:
            _set(changes, row, {"output_data": row["output_data"] | {"delay_until": time_text(due)}})


def _retried(changes: RowChanges, event: j.EnrollmentRetried, _: Record) -> None:
    """`again` asks for the failed step's action anew; all else shows when it happens."""
    enrollment = changes.enrollments.get(event.enrollment_id)
    if event.how != "again" or enrollment is None:
        return
    failed = [
        row
        for row in changes.executions.of(event.enrollment_id)
        if row["status"] == "failed" and row["step_id"] == enrollment["current_step"]
    ]
    if failed and (failed[-1]["attempts"] or failed[-1]["started_at"] is None):  # what never started was an action
        _set(changes, failed[-1], {"status": "pending", "completed_at": None})


MODEL = ReadModel(
    name="executions",
    tables=(tables.workflow_executions,),
    reads=("enrollments",),
    journal={
        j.TimerSet: _timer_set,
        j.EventAwaited: _event_awaited,
        j.ActionRequested: _action_requested,
        j.SendHeld: _send_held,
        j.RetryDue: _retry_due,
        j.AttemptStarted: _attempt_started,
        j.AttemptSucceeded: _attempt_succeeded,
        j.AttemptFailed: _attempt_failed,
        j.AttemptUnknown: _attempt_unknown,
        j.StepCompleted: _step_completed,
        j.StepSkipped: _step_skipped,
        j.StepFailed: _step_failed,
        j.IncidentOpened: _incident_opened,
        j.EnrollmentCompleted: _ended,
        j.EnrollmentExited: _ended,
        j.EnrollmentCancelled: _ended,
        j.EnrollmentResumed: _resumed,
        j.EnrollmentRetried: _retried,
    },
    ignores=frozenset(
        {
            j.ContactEventAccepted,
            j.CommandResulted,
            j.DeliveryReported,
            j.ConsentChanged,
            j.ContactChanged,
            j.Enrolled,
            j.TriggerSkipped,
            j.EnrollmentPaused,
            j.EnrollmentMigrated,
            j.EnrollmentHeld,
            j.EnrollmentRepaired,
            j.OutcomeAsked,
            j.IncidentResolved,
            j.PartitionOpened,
            j.CatalogueAdvanced,
            j.CatalogueReconciled,
            j.InputsAdvanced,
            j.ChannelPaused,
            j.ChannelResumed,
        }
    ),
)
