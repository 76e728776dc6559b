"""The timeline: what happened to a contact, event by event, in plain words, and where in the journal it stands."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from domain import journal as j
from domain.times import span_text
from projections import tables
from projections.changes import RowChanges
from projections.read_models.executions import unsettled
from projections.read_models.model import ReadModel
from projections.sql_text import time_text
from schemas.event_log import Record

Summary = Callable[[Any, RowChanges], str]

_ENVELOPE: Final = frozenset({"type", "seq", "at_ms", "contact_id", "enrollment_id", "v", "personal"})
_TIMES: Final = {
    "due_at_ms": "due_at",
    "until_ms": "until",
    "retry_at_ms": "retry_at",
    "ask_at_ms": "ask_at",
    "start_by_ms": "start_by",
    "deadline_ms": "deadline",
    "paused_at_ms": "paused_at",
    "occurred_at_ms": "occurred_at",
}
_MESSAGES: Final = {"sms": "SMS", "email": "E-mail", "http": "HTTP request"}


def _row(changes: RowChanges, event: Any, record: Record) -> None:
    """One row an event: its own fields and its personal part, side by side, are the data."""
    if event.contact_id == j.PARTITION_KEY:
        return
    given = msgspec.to_builtins(event)
    data = {name: value for name, value in given.items() if name not in _ENVELOPE}
    for name in _TIMES_OF[type(event)]:
        if name in data:
            data[_TIMES[name]] = time_text(data.pop(name))
    if "personal" in given:
        data |= given["personal"]
    summary = SUMMARIES[type(event)](event, changes)
    enrollment_id = given.get("enrollment_id")
    changes.timeline.append(
        (event.contact_id, event.seq, event.at_ms, given["type"], summary, data, enrollment_id, record.offset)
    )


def _contact_event(event: j.ContactEventAccepted, _: RowChanges) -> str:
    words = _fact(event.event_type, event.personal.data)
    return words if event.applied else f"Echo of our own change taken note of: {words}"


def _fact(fact: str, data: dict[str, Any]) -> str:
    match fact:
        case "contact.created":
            return "Contact created"
        case "contact.tag_added":
            return f"Tag {data.get('tag')} added"
        case "contact.tag_removed":
            return f"Tag {data.get('tag')} removed"
        case "contact.field_updated":
            return f"Field {data.get('field')} set to {_value(data.get('value'))}"
        case "contact.sms_received":
            return f"SMS received: {_value(data.get('body'))}"
        case _:
            return f"Event {fact} received"


def _value(value: Any) -> str:
    """A value in short: the whole of it stands in the row's data."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    limit = 80
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _command(event: j.CommandResulted, _: RowChanges) -> str:
    words = f"Command {event.command_type} {event.result}"
    return f"{words}: {event.reason or event.code}" if event.reason or event.code else words


def _enrolled(event: j.Enrolled, changes: RowChanges) -> str:
    return f"Enrolled in workflow {changes.workflow_name(event.workflow_id, event.version)} v{event.version}"


_SKIPPED: Final = {
    "paused": "the workflow is paused",
    "reentry": "its re-entry rule allows no other enrollment",
    "hop_limit": "the chain of triggers is too long",
    "rate_guard": "the contact was enrolled too often within the hour",
}


def _trigger_skipped(event: j.TriggerSkipped, changes: RowChanges) -> str:
    workflow = changes.workflow_name(event.workflow_id, event.version)
    return f"Not enrolled in workflow {workflow} v{event.version}: {_SKIPPED.get(event.reason, event.reason)}"


def _action(event: j.ActionRequested, _: RowChanges) -> str:
    to = event.personal.request.get("to") or event.personal.request.get("url")
    what = _MESSAGES.get(event.channel, event.channel)
    return f"{what} to {to} requested by step {event.step_id}" if to else f"{what} requested by step {event.step_id}"


_DONE: Final = {"send_sms": "SMS sent", "send_email": "E-mail sent", "http_request": "HTTP request answered"}


def _attempt_succeeded(event: j.AttemptSucceeded, changes: RowChanges) -> str:
    execution = unsettled(changes, event)
    kind = execution["step_type"] if execution else ""
    return f"{_DONE.get(kind, 'Action done')} by step {event.step_id}"


def _attempt_failed(event: j.AttemptFailed, _: RowChanges) -> str:
    return f"Attempt {event.attempt} of step {event.step_id} failed ({event.code}){_again(event.retry_at_ms)}"


def _attempt_unknown(event: j.AttemptUnknown, _: RowChanges) -> str:
    words = f"Outcome of attempt {event.attempt} of step {event.step_id} is unknown ({event.code})"
    if event.ask_at_ms is not None:
        return f"{words}; its provider is asked at {time_text(event.ask_at_ms)}"
    return words + _again(event.retry_at_ms)


def _again(retry_at_ms: int | None) -> str:
    return "" if retry_at_ms is None else f"; tried again at {time_text(retry_at_ms)}"


def _step_completed(event: j.StepCompleted, _: RowChanges) -> str:
    took = f", branch {event.branch}" if event.branch is not None else ""
    return f"Step {event.step_id} completed{took}"


def _consent(event: j.ConsentChanged, _: RowChanges) -> str:
    what = _MESSAGES.get(event.channel, event.channel)
    return f"{what} allowed again" if event.allowed else f"No more {what}: {event.reason.replace('_', ' ')}"


_HOW: Final = {"run": "runs now", "skip": "is skipped", "exit": "ends here"}


def _repaired(event: j.EnrollmentRepaired, _: RowChanges) -> str:
    late = f", {span_text(event.late_ms // 1_000)} late" if event.late_ms else ""
    why = f": {event.personal.message}" if event.personal.message else ""
    return f"Repaired by {event.by}: step {event.step_id}{late}, {_HOW.get(event.how, event.how)}{why}"


def _held(event: j.EnrollmentHeld, _: RowChanges) -> str:
    late = span_text((event.at_ms - event.due_at_ms) // 1_000)
    return f"Held at step {event.step_id}, which is {late} late: a repair says what becomes of it"


_HELD_FOR: Final = {
    "send_window": "it is outside its send window",
    "frequency_cap": "the contact got as many messages as the cap allows",
}


def _send_held(event: j.SendHeld, _: RowChanges) -> str:
    why = _HELD_FOR.get(event.reason, event.reason)
    return f"Message of step {event.step_id} held until {time_text(event.until_ms)}: {why}"


_SKIPPED_STEP: Final = {
    "late": "it was too late",
    "operator": "an operator said so",
    "repair": "a repair said so",
    "frequency_cap": "the contact got as many messages as the cap allows",
}


def _awaited(event: j.EventAwaited, _: RowChanges) -> str:
    what = " or ".join(event.personal.input.get("waits_for") or ("an event",))
    until = "" if event.due_at_ms is None else f", {time_text(event.due_at_ms)} at the latest"
    return f"Waiting until {what}{until}"


def _incident(event: j.IncidentOpened, _: RowChanges) -> str:
    where = f" at step {event.step_id}" if event.step_id else ""
    return f"Incident opened{where}: {event.personal.message or event.code}"


SUMMARIES: Final[Mapping[type[j.JournalEvent], Summary]] = {
    j.ContactEventAccepted: _contact_event,
    j.CommandResulted: _command,
    j.AttemptStarted: lambda event, _: f"Attempt {event.attempt} of step {event.step_id} started",
    j.AttemptSucceeded: _attempt_succeeded,
    j.AttemptFailed: _attempt_failed,
    j.AttemptUnknown: _attempt_unknown,
    j.OutcomeAsked: lambda event, _: f"Provider asked whether it took attempt {event.attempt} of step {event.step_id}",
    j.DeliveryReported: lambda event, _: (
        f"{_MESSAGES.get(event.channel, event.channel)} of step {event.step_id}: {event.status}"
    ),
    j.ConsentChanged: _consent,
    j.RetryDue: lambda event, _: f"Step {event.step_id} is tried again",
    j.Enrolled: _enrolled,
    j.TriggerSkipped: _trigger_skipped,
    j.EnrollmentCompleted: lambda *_: "Workflow completed",
    j.EnrollmentExited: lambda event, _: f"Left the workflow early: {event.reason}",
    j.EnrollmentCancelled: lambda event, _: f"Enrollment cancelled: {event.reason}",
    j.EnrollmentPaused: lambda event, _: f"Enrollment paused by the {event.by}",
    j.EnrollmentResumed: lambda *_: "Enrollment resumed",
    j.EnrollmentRetried: lambda event, _: f"Incident settled by an operator: {event.how}",
    j.EnrollmentHeld: _held,
    j.EnrollmentRepaired: _repaired,
    j.EnrollmentMigrated: lambda event, _: f"Enrollment goes on in version {event.version}",
    j.ContactChanged: lambda event, _: f"{_fact(event.change, event.personal.data)} by step {event.step_id}",
    j.TimerSet: lambda event, _: f"Waiting until {time_text(event.due_at_ms)}",
    j.EventAwaited: _awaited,
    j.ActionRequested: _action,
    j.SendHeld: _send_held,
    j.StepCompleted: _step_completed,
    j.StepSkipped: lambda event, _: f"Step {event.step_id} skipped: {_SKIPPED_STEP.get(event.reason, event.reason)}",
    j.StepFailed: lambda event, _: f"Step {event.step_id} failed: {event.personal.message or event.code}",
    j.IncidentOpened: _incident,
    j.IncidentResolved: lambda event, _: f"Incident resolved: {event.resolution}",
}
"""What each event is called in front of a person."""

_TIMES_OF: Final = {type_: _TIMES.keys() & type_.__struct_fields__ for type_ in SUMMARIES}

MODEL = ReadModel(
    name="timeline",
    tables=(tables.timeline,),
    reads=("executions", "workflows"),
    journal=dict.fromkeys(SUMMARIES, _row),
    ignores=frozenset(
        {
            j.PartitionOpened,
            j.CatalogueAdvanced,
            j.CatalogueReconciled,
            j.InputsAdvanced,
            j.ChannelPaused,
            j.ChannelResumed,
        }
    ),
)
