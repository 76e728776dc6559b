"""Enrollments: where each contact stands in each version it runs through."""

from typing import Any, Final

import msgspec

from domain import journal as j
from domain.enrollment import CLOSED
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from projections.rows import Row
from schemas.event_log import Record

_WAITS_NO_MORE: Final[Row] = {"next_action_at": None, "awaits_event": False}


def _enrolled(changes: RowChanges, event: j.Enrolled, _: Record) -> None:
    changes.enrollments.insert(
        event.enrollment_id,
        {
            "id": event.enrollment_id,
            "workflow_id": event.workflow_id,
            "version": event.version,
            "contact_id": event.contact_id,
            "status": "active",
            "current_step": event.first_step,
            "state": {},
            "next_action_at": None,
            "enrolled_at": event.at_ms,
            "completed_at": None,
            "exit_reason": None,
            "trigger_type": event.trigger_type,
            "trigger_data": msgspec.to_builtins(event.personal),
            "hops": event.hops,
            "seq": event.seq,
            "updated_at": event.at_ms,
            "paused_by": None,
            "awaits_event": False,
        },
    )


def _row(changes: RowChanges, enrollment_id: str) -> Row:
    row = changes.enrollments.get(enrollment_id)
    assert row is not None, f"enrollment {enrollment_id} is in the journal, but was never enrolled"
    return row


def _set(changes: RowChanges, event: Any, columns: Row) -> None:
    _row(changes, event.enrollment_id)
    columns["seq"] = event.seq
    columns["updated_at"] = event.at_ms
    changes.enrollments.set(event.enrollment_id, columns)


def _is_open(changes: RowChanges, event: Any) -> bool:
    """A closed enrollment is still told of its last attempt's outcome, which changes nothing here."""
    return _row(changes, event.enrollment_id)["status"] not in CLOSED


def _completed(changes: RowChanges, event: j.EnrollmentCompleted, _: Record) -> None:
    _end(changes, event, "completed", None)


def _exited(changes: RowChanges, event: j.EnrollmentExited, _: Record) -> None:
    _end(changes, event, "exited", event.reason)


def _cancelled(changes: RowChanges, event: j.EnrollmentCancelled, _: Record) -> None:
    _end(changes, event, "cancelled", event.reason)


def _end(changes: RowChanges, event: Any, status: str, reason: str | None) -> None:
    ended = {"status": status, "current_step": None, "completed_at": event.at_ms, **_WAITS_NO_MORE}
    _set(changes, event, {**ended, "exit_reason": reason, "paused_by": None})


def _paused(changes: RowChanges, event: j.EnrollmentPaused, _: Record) -> None:
    _set(changes, event, {"status": "paused", "paused_by": event.by})


def _held(changes: RowChanges, event: j.EnrollmentHeld, _: Record) -> None:
    """It stays due when it was: how late it is, and gets, can be read from that."""
    _set(changes, event, {"status": "paused", "paused_by": "lateness", "next_action_at": event.due_at_ms})


def _repaired(changes: RowChanges, event: j.EnrollmentRepaired, _: Record) -> None:
    """A held one goes on, with nothing that it waits for in time: what it does follows. One that is paused stays so."""
    if _row(changes, event.enrollment_id)["paused_by"] == "lateness":
        _set(changes, event, {"status": "active", "paused_by": None, "next_action_at": None})


def _resumed(changes: RowChanges, event: j.EnrollmentResumed, _: Record) -> None:
    due = _row(changes, event.enrollment_id)["next_action_at"]
    due = None if due is None else due + event.shift_ms
    _set(changes, event, {"status": "active", "next_action_at": due, "paused_by": None})


def _retried(changes: RowChanges, event: j.EnrollmentRetried, _: Record) -> None:
    _set(changes, event, {"status": "active"})


def _migrated(changes: RowChanges, event: j.EnrollmentMigrated, _: Record) -> None:
    _set(changes, event, {"version": event.version})


def _waits(changes: RowChanges, event: j.TimerSet | j.EventAwaited, _: Record) -> None:
    awaits_event = isinstance(event, j.EventAwaited)
    waits = {"current_step": event.step_id, "next_action_at": event.due_at_ms, "awaits_event": awaits_event}
    _set(changes, event, waits)


def _send_held(changes: RowChanges, event: j.SendHeld, _: Record) -> None:
    _set(changes, event, {"current_step": event.step_id, "next_action_at": event.until_ms})


def _action_requested(changes: RowChanges, event: j.ActionRequested, _: Record) -> None:
    _set(changes, event, {"current_step": event.step_id, "next_action_at": None})


def _under_way(changes: RowChanges, event: j.AttemptStarted | j.RetryDue | j.OutcomeAsked, _: Record) -> None:
    if _row(changes, event.enrollment_id)["next_action_at"] is not None:
        _set(changes, event, {"next_action_at": None})


def _succeeded(changes: RowChanges, event: j.AttemptSucceeded, _: Record) -> None:
    if event.personal.state is not None:
        _set(changes, event, {"state": event.personal.state})


def _unsuccessful(changes: RowChanges, event: j.AttemptFailed, _: Record) -> None:
    if event.retry_at_ms is not None and _is_open(changes, event):
        _set(changes, event, {"next_action_at": event.retry_at_ms})


def _unknown(changes: RowChanges, event: j.AttemptUnknown, _: Record) -> None:
    """It goes on when it is repeated, or when its provider is asked."""
    due = event.retry_at_ms if event.ask_at_ms is None else event.ask_at_ms
    if due is not None and _is_open(changes, event):
        _set(changes, event, {"next_action_at": due})


def _step_completed(changes: RowChanges, event: j.StepCompleted, _: Record) -> None:
    of_chain = {} if event.hops is None else {"hops": event.hops}
    _set(changes, event, {"current_step": event.next_step, **_WAITS_NO_MORE, **of_chain})


def _step_skipped(changes: RowChanges, event: j.StepSkipped, _: Record) -> None:
    _set(changes, event, {"current_step": event.next_step, **_WAITS_NO_MORE})


def _step_failed(changes: RowChanges, event: j.StepFailed, _: Record) -> None:
    at = event.next_step if event.goes_on else event.step_id
    _set(changes, event, {"current_step": at, **_WAITS_NO_MORE})


def _incident_opened(changes: RowChanges, event: j.IncidentOpened, _: Record) -> None:
    if event.enrollment_id is not None:
        _set(changes, event, {"status": "failed", **_WAITS_NO_MORE})


MODEL = ReadModel(
    name="enrollments",
    tables=(tables.workflow_enrollments,),
    journal={
        j.Enrolled: _enrolled,
        j.EnrollmentCompleted: _completed,
        j.EnrollmentExited: _exited,
        j.EnrollmentCancelled: _cancelled,
        j.EnrollmentPaused: _paused,
        j.EnrollmentResumed: _resumed,
        j.EnrollmentRetried: _retried,
        j.EnrollmentMigrated: _migrated,
        j.EnrollmentHeld: _held,
        j.EnrollmentRepaired: _repaired,
        j.TimerSet: _waits,
        j.EventAwaited: _waits,
        j.ActionRequested: _action_requested,
        j.SendHeld: _send_held,
        j.AttemptStarted: _under_way,
        j.RetryDue: _under_way,
        j.OutcomeAsked: _under_way,
        j.AttemptSucceeded: _succeeded,
        j.AttemptFailed: _unsuccessful,
        j.AttemptUnknown: _unknown,
        j.StepCompleted: _step_completed,
        j.StepSkipped: _step_skipped,
        j.StepFailed: _step_failed,
        j.IncidentOpened: _incident_opened,
    },
    ignores=frozenset(
        {
            j.ContactEventAccepted,
            j.CommandResulted,
            j.DeliveryReported,
            j.ConsentChanged,
            j.ContactChanged,
            j.TriggerSkipped,
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
