"""What is stuck: enrollments that nothing will move, or that should have moved long ago. By construction there is none.

Each reason has its words here, for the engine's log and metric, the API and the console alike.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from domain.enrollment import CLOSED, Enrollment, is_unsettled
from domain.state import ContactState


class Reason(msgspec.Struct, frozen=True):
    """Why something counts as stuck: what kind of thing, in which words, and what to do about it."""

    kind: str
    words: str
    mend: str


REASONS: Final[Mapping[str, Reason]] = {
    "nothing_pending": Reason(
        "enrollment",
        "it is open, and has neither a timer, an awaited event, an action, a pause nor an incident that could move it",
        "cancel it, or enrol the contact again; and report it: Headrace should never get here",
    ),
    "timer_overdue": Reason(
        "enrollment",
        "its timer was due, and has not fired",
        "see that a worker owns its partition and keeps up; after an outage see headrace repair --plan",
    ),
    "attempt_overdue": Reason(
        "enrollment",
        "its attempt is past the deadline, and was neither answered nor taken as unknown",
        "see that a worker owns its partition and that its clock is right",
    ),
    "action_waiting": Reason(
        "enrollment",
        "its action has waited for its provider for too long",
        "see whether the provider is slow or down, or a rate limit too low; headrace repair --plan lists what waits",
    ),
    "inputs_behind": Reason(
        "partition",
        "its inputs hold records that were not taken in",
        "see that a worker owns the partition; if one does, look at what it logs, or add workers",
    ),
    "catalogue_behind": Reason(
        "partition",
        "definitions that were published, paused or resumed are not in force in it",
        "see that a worker owns the partition, and one the catalogue",
    ),
    "walk_stalled": Reason(
        "partition",
        "the walk that brings its open enrollments in line with the definitions does not end",
        "see that a worker owns the partition, and what it logs",
    ),
    "projection_behind": Reason(
        "read side",
        "it does not show journal records that are there, so what else is listed here may be out of date",
        "see that a projector runs; if it stopped at a record, its log names it",
    ),
    "log_unreachable": Reason(
        "log",
        "it does not answer, so nothing is known here of the partitions and of how far the read side is",
        "see that the brokers are up",
    ),
}
ENROLLMENT_REASONS: Final = tuple(name for name, reason in REASONS.items() if reason.kind == "enrollment")
PARTITION_REASONS: Final = tuple(name for name, reason in REASONS.items() if reason.kind == "partition")


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """After how long something counts as stuck, in milliseconds of engine time."""

    timer_ms: int = 60_000
    """Beyond a timer's due time, or an attempt's deadline."""
    action_ms: int = 900_000
    """That an action waits for its attempt."""
    partition_ms: int = 60_000
    """That the oldest record waits which a partition, or the read side, has not taken in."""
    walk_ms: int = 900_000
    """That a walk over a partition's open enrollments takes."""

    def scaled(self, time_scale: float) -> "Patience":
        """The same in real time, where engine time runs so many times faster."""
        return Patience(**{name: int(value * time_scale) for name, value in msgspec.structs.asdict(self).items()})


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One enrollment that is stuck, for a reason of the table, since a time."""

    reason: str
    contact_id: str
    enrollment_id: str
    workflow_id: str
    step_id: str | None
    since_ms: int


def stuck(state: ContactState, now_ms: int, patience: Patience) -> list[Finding]:
    """The contact's enrollments that are stuck, as it stands between two decisions."""
    found = []
    for enrollment in state.enrollments.values():
        problem = _problem(enrollment, now_ms, patience)
        if problem is not None:
            reason, since_ms = problem
            found.append(
                Finding(
                    reason=reason,
                    contact_id=state.contact.id,
                    enrollment_id=enrollment.id,
                    workflow_id=enrollment.workflow_id,
                    step_id=enrollment.step_id,
                    since_ms=since_ms,
                )
            )
    return found


def _problem(enrollment: Enrollment, now_ms: int, patience: Patience) -> tuple[str, int] | None:
    timer, action = enrollment.timer, enrollment.action
    if action is not None and action.status == "running":  # of a closed enrollment too: its outcome is still waited for
        if timer is None or timer.kind != "deadline":
            return "nothing_pending", action.ready_at_ms
        late = now_ms > timer.due_at_ms + patience.timer_ms
        return ("attempt_overdue", timer.due_at_ms) if late else None
    if enrollment.status in CLOSED and not is_unsettled(enrollment):
        return "nothing_pending", enrollment.enrolled_at_ms  # closed and settled ones are let go
    if enrollment.status in ("active", *CLOSED):
        return _active_problem(enrollment, now_ms, patience)
    held_by = enrollment.incident_id if enrollment.status == "failed" else enrollment.paused_by
    return None if held_by is not None else ("nothing_pending", enrollment.paused_at_ms or enrollment.enrolled_at_ms)


def _active_problem(enrollment: Enrollment, now_ms: int, patience: Patience) -> tuple[str, int] | None:
    timer, action = enrollment.timer, enrollment.action
    if timer is not None:
        due = timer.due_at_ms
        return ("timer_overdue", due) if now_ms > due + patience.timer_ms else None
    if enrollment.awaits_event:
        return None  # for ever, if need be: its definition sets no time-out
    if action is not None and action.status == "requested":
        since = action.ready_at_ms
        return ("action_waiting", since) if now_ms > since + patience.action_ms else None
    return "nothing_pending", action.ready_at_ms if action else enrollment.enrolled_at_ms
