"""What the read side must show of a contact, derived from the engine's state alone: no read model has a say in it.

A row here is what can be proved from a `ContactState`, not all that a table holds: all of a contact; of an enrollment
where it stands, what it waits for, how many executions it has, which of them is open, and its open incident; of the
timeline how many lines there are. (That a rebuild gives every column of every row again is `headrace rebuild`'s proof.)
"""

from typing import Any, Final

import msgspec

from domain.enrollment import CLOSED, Enrollment, PendingAction, Timer
from domain.ids import execution_id
from domain.state import ContactState
from projections.sql_text import as_stored, jsonb_text, time_text
from projections.verify.lines import Json

_STEP_ID_LENGTH: Final = 100
"""What the table `workflow_executions` keeps of a step's id."""


EMPTY_LIST: Final = Json("[]")
EMPTY_OBJECT: Final = Json("{}")


class ContactRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A contact with all of its columns, its timeline and its consents. Times are milliseconds; None throughout: no row."""

    contact_id: str
    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    source: str | None = None
    timezone: str | None = None
    tags: Json | None = None
    custom_fields: Json | None = None
    created: bool | None = None
    last_sms_reply: str | None = None
    seq: int | None = None
    created_at: int | None = None
    updated_at: int | None = None
    timeline_lines: int = 0
    timeline_last_seq: int = 0
    suppressed: Json = EMPTY_LIST
    """Addresses that are not written to: (channel, address, reason, since), in order."""


class EnrollmentRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An enrollment as far as the engine's state tells; `open_executions` are (id, step, visit, status, attempts, due)."""

    contact_id: str | None
    """None: executions or incidents whose enrollment has no row."""
    id: str
    workflow_id: str
    version: int
    status: str
    current_step: str | None
    state: Json
    next_action_at: int | None
    enrolled_at: int
    completed_at: int | None
    exit_reason: str | None
    paused_by: str | None
    awaits_event: bool
    hops: int
    executions: int
    open_executions: Json
    open_incidents: Json


Row = ContactRow | EnrollmentRow


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """How an enrollment ended: the state lets it go, and the read side shows it for ever."""

    status: str
    at_ms: int
    reason: str | None


def expected_contact(state: ContactState, row_seq: int) -> ContactRow:
    """The contact's row; `row_seq` is the event that changed it last. Its events are gapless, so they count the lines."""
    contact = state.contact
    if not contact.created_at_ms:  # only commands that were rejected
        return ContactRow(
            contact.id, timeline_lines=state.seq, timeline_last_seq=state.seq, suppressed=_suppressed(state)
        )
    return ContactRow(
        contact.id,
        contact.id,
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.source,
        contact.timezone,
        _json(contact.tags) if contact.tags else EMPTY_LIST,
        _json(contact.custom_fields) if contact.custom_fields else EMPTY_OBJECT,
        contact.created,
        state.last_sms_reply,
        row_seq,
        contact.created_at_ms,
        contact.updated_at_ms,
        state.seq,
        state.seq,
        _suppressed(state),
    )


def expected_enrollment(contact_id: str, enrollment: Enrollment, ended: Ended | None = None) -> EnrollmentRow:
    """The enrollment's row, with its executions and its incident."""
    is_open = ended is None
    incident_id = enrollment.incident_id if is_open else None
    return EnrollmentRow(
        contact_id=contact_id,
        id=enrollment.id,
        workflow_id=enrollment.workflow_id,
        version=enrollment.version,
        status=enrollment.status if ended is None else ended.status,
        current_step=enrollment.step_id if is_open else None,
        state=_json(enrollment.state) if enrollment.state else EMPTY_OBJECT,
        next_action_at=_next_action_at(enrollment) if is_open else None,
        enrolled_at=enrollment.enrolled_at_ms,
        completed_at=None if ended is None else ended.at_ms,
        exit_reason=None if ended is None else ended.reason,
        paused_by=enrollment.paused_by if is_open else None,
        awaits_event=enrollment.awaits_event and is_open,
        hops=enrollment.hops,
        executions=sum(enrollment.visits.values()),
        open_executions=_json(_open_executions(enrollment)) if is_open else EMPTY_LIST,
        open_incidents=_json([incident_id]) if incident_id else EMPTY_LIST,
    )


def _next_action_at(enrollment: Enrollment) -> int | None:
    """When it waits to go on; of an action that is held, since when its attempt could have begun."""
    timer, action = enrollment.timer, enrollment.action
    if timer is not None:  # a deadline is the attempt's, not the contact's
        return None if timer.kind == "deadline" else timer.due_at_ms
    return action.ready_at_ms if action is not None and enrollment.paused_by == "lateness" else None


def open_rows(state: ContactState) -> list[EnrollmentRow]:
    """The rows of the enrollments that are open."""
    return [
        expected_enrollment(state.contact.id, enrollment)
        for enrollment in state.enrollments.values()
        if enrollment.status not in CLOSED
    ]


def _suppressed(state: ContactState) -> Json:
    if not state.suppressions:
        return EMPTY_LIST
    return _json(sorted(as_stored([[one.channel, one.address, one.reason, one.at_ms] for one in state.suppressions])))


def _json(value: Any) -> Json:
    return Json(jsonb_text(value))


def _open_executions(enrollment: Enrollment) -> list[list[Any]]:
    """The visit that is under way. One that stopped with an incident is `failed`, so it is not open."""
    step_id = enrollment.step_id
    if not enrollment.entered or step_id is None or enrollment.status not in ("active", "paused"):
        return []
    action, timer, visit = enrollment.action, enrollment.timer, enrollment.visits[step_id]
    status, attempts, due = "running", 0, None
    if action is not None:
        status, attempts = _action_status(action, timer), action.attempt
    elif timer is not None and timer.kind == "hold":
        status = "pending"
    if timer is not None and (action is None or action.status == "held"):
        due = time_text(timer.due_at_ms)
    if status == "failed":
        return []
    id_ = execution_id(enrollment.id, step_id, visit)
    return [[id_, step_id[:_STEP_ID_LENGTH], visit, status, attempts, due]]


def _action_status(action: PendingAction, timer: Timer | None) -> str:
    """`pending` until its first attempt, and again once an operator asked for all of it anew.

    While its provider is asked what became of an attempt, it runs.
    """
    if action.status in ("requested", "held") and action.tries_left == action.tries:
        return "pending"
    return "failed" if action.status == "unknown" and timer is None else "running"
