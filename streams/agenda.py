"""What a contact's state asks of its partition: the next timer, and the actions that wait for a slot."""

import msgspec

from domain.enrollment import CLOSED, Enrollment, Timer
from domain.state import ContactState


class Pending(msgspec.Struct, frozen=True):
    """An action that waits for a free slot of its channel, in order of its request."""

    channel: str
    since_ms: int
    enrollment_id: str
    workflow_id: str


def next_due_ms(state: ContactState) -> int | None:
    """When the contact's earliest timer is due."""
    due = None
    for enrollment in state.enrollments.values():
        timer = enrollment.timer
        if timer is not None and _runs(enrollment, timer) and (due is None or timer.due_at_ms < due):
            due = timer.due_at_ms
    return due


def _runs(enrollment: Enrollment, timer: Timer) -> bool:
    """Whether the timer fires as things are: of one that stands still, only what is the provider's."""
    return timer.kind == "deadline" or enrollment.status in ("active", *CLOSED)


def due_enrollments(state: ContactState, until_ms: int) -> list[str]:
    """The enrollments whose timers are due, earliest first."""
    due = [
        (enrollment.timer.due_at_ms, enrollment.id)
        for enrollment in state.enrollments.values()
        if enrollment.timer is not None
        and enrollment.timer.due_at_ms <= until_ms
        and _runs(enrollment, enrollment.timer)
    ]
    return [enrollment_id for _, enrollment_id in sorted(due)]


def pending_actions(state: ContactState) -> list[Pending]:
    """The actions of active enrollments that wait for a slot."""
    return [
        Pending(enrollment.action.channel, enrollment.action.requested_at_ms, enrollment.id, enrollment.workflow_id)
        for enrollment in state.enrollments.values()
        if enrollment.action is not None and enrollment.action.status == "requested" and enrollment.status == "active"
    ]


def is_running(state: ContactState, enrollment_id: str) -> bool:
    """Whether an attempt of the enrollment's action is open."""
    enrollment = state.enrollments.get(enrollment_id)
    return enrollment is not None and enrollment.action is not None and enrollment.action.status == "running"


def has_open(state: ContactState) -> bool:
    """Whether the contact has an enrollment that a change of the catalogue may concern."""
    return any(enrollment.status not in CLOSED for enrollment in state.enrollments.values())
