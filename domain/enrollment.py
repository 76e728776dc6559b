"""An enrollment: one contact's run through one version, its statuses and their transitions."""

from typing import Any, Final

import msgspec

from domain.errors import InvalidTransition
from domain.secret_use import SecretUse

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    "active": frozenset({"paused", "completed", "exited", "failed", "cancelled"}),
    "paused": frozenset({"active", "cancelled"}),
    "failed": frozenset({"active", "cancelled"}),
    "completed": frozenset(),
    "exited": frozenset(),
    "cancelled": frozenset(),
}
"""Every legal change of an enrollment's status; the diagram in the docs is generated from it."""

CLOSED: Final = frozenset(status for status, targets in TRANSITIONS.items() if not targets)


class Timer(msgspec.Struct, frozen=True, gc=False):
    """What an enrollment waits for in time.

    `delay` (the end of a wait, or the time-out of one for an event), `hold` (of a message), `retry` (of an action), `ask`
    (its provider what became of an attempt), or `deadline` (of an attempt, or of such a question).
    """

    kind: str
    due_at_ms: int


class PendingAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A step's effect on a provider that is not settled yet."""

    key: str
    step_id: str
    step_type: str
    visit: int
    channel: str
    request: dict[str, Any]
    requested_at_ms: int
    status: str = "requested"
    """`requested` (waits for a slot), `running` (an attempt is open), `backoff` (waits for its retry),
    `held` (waits until it may go),
    `failed` or `unknown` (the last attempt's outcome; unless a timer is set, nothing more happens by itself)."""
    attempt: int = 0
    """The number of the last attempt that was started."""
    tries: int = 1
    """Attempts that the retry policy allows."""
    tries_left: int = 1
    secrets: tuple[SecretUse, ...] = ()
    """Where secrets go in the request."""
    code: str | None = None
    """Why the last attempt did not succeed."""
    start_by_ms: int = 0
    deadline_ms: int = 0
    started_at_ms: int = 0
    """When the last attempt was started."""
    asked: int = 0
    """How many questions about the last attempt were put to its provider."""
    answered: int = 0
    """How many of them it answered, and knew nothing."""
    rivals: tuple[str, ...] = ()
    """Ids of messages that other attempts were found to have made meanwhile: they are not this one's."""
    ready_at_ms: int = 0
    """Since when its next attempt could have begun: it is later than planned by the time that passed since."""


class Reports(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What providers reported of the message of one visit of a step, in order."""

    visit: int
    statuses: tuple[str, ...] = ()


class Enrollment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One contact's run through one version of a workflow."""

    id: str
    workflow_id: str
    version: int
    status: str = "active"
    step_id: str | None = None
    """The step that the enrollment stands at; None when it has run off the end."""
    entered: bool = False
    """True while `step_id` was entered and is not done (a timer or an action is open, or it failed)."""
    visits: dict[str, int] = {}
    steps_since_wait: int = 0
    hops: int = 0
    enrolled_at_ms: int = 0
    event: dict[str, Any] | None = None
    """The triggering event: `id`, `type`, `source`, `time`, `data`."""
    outputs: dict[str, dict[str, Any]] = {}
    """What each step gave, by step id: `steps.<id>.output` in conditions and templates."""
    state: dict[str, Any] = {}
    last_sms_reply: str | None = None
    timer: Timer | None = None
    action: PendingAction | None = None
    incident_id: str | None = None
    paused_at_ms: int = 0
    paused_by: str | None = None
    """`operator`, `workflow`, or `lateness` (it would run too late; a repair says what becomes of it)."""
    late_ms: int = 0
    """By how much the last wait ended later than it was due: the steps that follow it are as late."""
    awaits_event: bool = False
    """Whether the step that it stands at waits for an event, paused or not; a `delay` timer is then the time-out."""
    reports: dict[str, Reports] = {}
    """By step id: waits for a delivery count what was reported before they began."""

    def reports_of(self, step_id: str) -> tuple[str, ...]:
        """What was reported of the message of the step's last visit."""
        known = self.reports.get(step_id)
        return known.statuses if known is not None and known.visit == self.visits.get(step_id) else ()


def is_unsettled(enrollment: Enrollment) -> bool:
    """Whether it may yet be learnt what became of its last attempt: the call, or a question about it, is under way.

    An enrollment that is closed lives on for that: its message may have gone out, and the ledger must tell.
    """
    action = enrollment.action
    asked = action is not None and action.status == "unknown" and enrollment.timer is not None
    return asked or (action is not None and action.status == "running")


def transition(enrollment: Enrollment, status: str, **changes: Any) -> Enrollment:
    """The enrollment in its new status, with the other fields that change with it.

    Raises:
        InvalidTransition: the table does not allow it.
    """
    if status not in TRANSITIONS[enrollment.status]:
        message = f"enrollment {enrollment.id} is {enrollment.status} and cannot become {status}"
        raise InvalidTransition(message)
    return msgspec.structs.replace(enrollment, status=status, **changes)
