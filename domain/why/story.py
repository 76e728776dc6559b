"""What an answer to "why?" is made of: one sentence on top, and the evidence under it."""

from typing import Any

import msgspec

Operands = list[dict[str, Any]]
"""Comparisons as conditions record them: `field`, `operator`, `value`, `actual`, `result` (and `unit`)."""


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could have enrolled the contact, what came of it, and why."""

    seq: int
    at_ms: int
    event_type: str
    made_by_step: str | None = None
    """The step whose change it was; None for a fact from outside."""
    workflow_status: str
    """Of the workflow then: `unknown` (not imported yet), `draft`, `active`, `paused` or `archived`."""
    version: int | None
    """The version that was live then; None when there was none."""
    trigger_type: str
    trigger_index: int
    trigger_config: dict[str, Any] = {}
    reentry: str
    """The re-entry rule of that version: `once`, `after_exit` or `always`."""
    conditions: Operands = []
    enrolled: bool
    reason: str
    """`enrolled`; recorded refusals: `paused`, `reentry`, `hop_limit`, `rate_guard`, and of an enrolment by hand its code
    (`reentry`, `conflict`, `not_published`); else what kept it from enrolling:
    `conditions`, `condition_error`, `filter`, `no_change`, `echo`, `before_start`, `unknown`, `draft`, `archived`,
    or `unexplained` (today's engine would have enrolled)."""
    recomputed: bool
    """False when reason and conditions stand in the journal; True when they were worked out anew."""
    conditions_recomputed: bool = False
    """True when only the conditions were worked out anew: the refusal stands in the journal, they do not."""
    enrollment_id: str | None = None
    words: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a provider: `open`, `succeeded`, `failed` or `unknown`."""

    number: int
    started_at_ms: int
    deadline_ms: int
    outcome: str = "open"
    at_ms: int | None = None
    """When the outcome was learned."""
    code: str | None = None
    message: str | None = None
    """The provider's words."""
    provider_id: str | None = None
    output: dict[str, Any] = {}
    """What the provider answered."""
    retry_at_ms: int | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said later of a message that it had taken: `delivered`, `bounced`, `opened` ..."""

    at_ms: int
    status: str
    code: str | None = None
    price: str | None = None


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """What a step asked a provider for: the intent first, then each attempt."""

    channel: str
    action_key: str
    request: dict[str, Any]
    requested_at_ms: int
    tries: int
    attempts: tuple[Attempt, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    outcome: str = "requested"
    """`requested` (no attempt yet), or what became of the last attempt."""


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """The arm of an A/B split, and the weights by which arms were given out (they add up to 1)."""

    path: str
    weights: dict[str, float] = {}


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """An event like one that a step waited for, which did not end the wait, and why not (worked out anew)."""

    seq: int
    at_ms: int
    event_type: str
    words: str


class StepVisit(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of a step: what it decided, waited for or sent, and where the enrollment went from there."""

    seq: int
    step_id: str
    step_type: str
    visit: int
    status: str
    """As executions have it: `pending`, `running`, `completed`, `failed` or `skipped`."""
    entered_at_ms: int
    done_at_ms: int | None = None
    conditions: Operands = []
    branch: str | None = None
    arm: Arm | None = None
    due_at_ms: int | None = None
    """Until when a wait waits, pauses counted in."""
    waits_for: tuple[str, ...] = ()
    """What events a step waits for, in words."""
    received: dict[str, Any] | None = None
    """The event that ended the wait: `type`, `data` and, of a contact event, `id`, `source`, `time`."""
    missed: tuple[Missed, ...] = ()
    send: Send | None = None
    changes: tuple[dict[str, Any], ...] = ()
    """How the step changed the contact: `type` and `data`."""
    code: str | None = None
    message: str | None = None
    """Why it failed or was skipped."""
    next_step: str | None = None
    """Where the enrollment went when the step was done; None: to the end."""
    words: str = ""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an enrollment as a whole, beside its steps: a pause, an incident, a migration, its end."""

    seq: int
    at_ms: int
    type: str
    words: str


class Enrollment(msgspec.Struct, frozen=True, kw_only=True):
    """One enrollment: what started it, each step it took, and how it stands."""

    id: str
    workflow_id: str
    version: int
    contact_id: str
    status: str
    current_step: str | None
    enrolled_at_ms: int
    ended_at_ms: int | None = None
    end_reason: str | None = None
    cause_seq: int
    trigger_type: str
    trigger_index: int
    event: dict[str, Any] | None = None
    conditions: Operands = []
    hops: int = 0
    steps: tuple[StepVisit, ...] = ()
    turns: tuple[Turn, ...] = ()


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something about the contact that has a bearing on the question, and names no workflow."""

    seq: int
    at_ms: int
    type: str
    words: str


class WouldEnrol(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger of the live version in words: what would enrol the contact."""

    trigger_type: str
    trigger_config: dict[str, Any] = {}
    words: str


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """Why an enrollment did not do a step."""

    reason: str
    """`done` (nothing stopped it), `under_way`, `failed`, `unknown`, `skipped`, `other_branch`, `waiting`, `incident`,
    `paused`, `cancelled`, `exited`, `not_reached`, `no_such_step` or `not_enrolled`."""
    enrollment_id: str | None = None
    at_step: str | None = None
    """The step at which it was decided, or stands."""
    words: str


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question about one contact and one workflow."""

    contact_id: str
    workflow_id: str
    workflow_name: str
    at_ms: int
    """As of when the question was answered."""
    workflow_status: str
    live_version: int | None
    reentry: str | None
    answer: str
    step_id: str | None = None
    stopped: Stopped | None = None
    """Of a question about a step."""
    considered: tuple[Considered, ...] = ()
    enrollments: tuple[Enrollment, ...] = ()
    would_enrol: tuple[WouldEnrol, ...] = ()
    notes: tuple[Note, ...] = ()
