"""Journal events: all that the engine learned or decided, one frozen type each.

Personal data stands apart, in `personal`, from the first day: everything else may be shown, logged and kept
for ever. An event's id is its contact id and its gapless `seq`; times are milliseconds since the epoch.
"""

# over 300 lines because the journal's whole vocabulary is read in one place, and each event is a few plain lines

from typing import Any, ClassVar

import msgspec

from domain.secret_use import SecretUse

PARTITION_KEY = ""
"""The reserved key of events that concern a partition, not a contact (no contact id is empty)."""


class JournalEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """What every event has. `v` is the version of the shape that its record has; upcasters read older ones.

    An event is a tree, and so are the states that are made of events (`gc=False`): none is ever part of a cycle, and the
    garbage collector need not look whether it is.
    """

    VERSION: ClassVar[int] = 1
    """The version of the shape that the class has. A type whose shape changes overrides it; `v` stays as it is."""

    seq: int
    at_ms: int
    contact_id: str
    v: int = 1

    @property
    def id(self) -> str:
        """The event's id in the whole journal."""
        return f"{self.contact_id}/{self.seq}"


class _Enrollment(JournalEvent, frozen=True, kw_only=True, omit_defaults=True):
    enrollment_id: str


class _Visit(_Enrollment, frozen=True, kw_only=True, omit_defaults=True):
    step_id: str
    visit: int


class _Step(_Visit, frozen=True, kw_only=True, omit_defaults=True):
    step_type: str


class Data(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: the data of a fact."""

    data: dict[str, Any] = {}


class StepData(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: what a step was given and what it gave."""

    input: dict[str, Any] = {}
    output: dict[str, Any] = {}


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: words for a person (they may quote a contact's data), and the input in question."""

    message: str = ""
    input: dict[str, Any] = {}


class TriggerData(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: the triggering event's envelope and data, and the operands of each condition."""

    event: dict[str, Any] | None = None
    matched: list[dict[str, Any]] = []


class Request(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: the rendered request of an action, as a provider gets it."""

    request: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: what a provider answered, and the state a plug-in returned."""

    output: dict[str, Any] = {}
    state: dict[str, Any] | None = None


class Address(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Personal part: a phone number or an e-mail address."""

    address: str = ""


# ---------------------------------------------------------------- learned


class ContactEventAccepted(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="contact_event_accepted"):
    """A contact event was taken in, once. `applied` is False for an echo of our own change."""

    source: str
    event_id: str
    event_type: str
    time: str | None = None
    causation_id: str | None = None
    hops: int = 0
    command_id: str | None = None
    applied: bool = True
    fires: bool = True
    personal: Data = Data()


class CommandResulted(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="command_resulted"):
    """The result of a command or of an event that came through the API: accepted, duplicate or rejected."""

    command_id: str
    command_type: str
    result: str
    code: str | None = None
    reason: str | None = None
    enrollment_id: str | None = None
    workflow_id: str | None = None
    """In which workflow a contact was to be enrolled by hand."""


class AttemptStarted(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="attempt_started"):
    """A provider will be called: not after `start_by_ms`; without an outcome by `deadline_ms` it is unknown."""

    action_key: str
    attempt: int
    start_by_ms: int
    deadline_ms: int
    channel: str | None = None
    """Of a message: what frequency caps count."""


class AttemptSucceeded(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="attempt_succeeded"):
    """The provider took the action."""

    action_key: str
    attempt: int
    provider_id: str | None = None
    personal: Answer = Answer()


class AttemptFailed(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="attempt_failed"):
    """The provider surely did not take the action. `retry_at_ms` is set when another attempt will follow."""

    action_key: str
    attempt: int
    code: str
    retryable: bool = False
    given_back: bool = False
    """Whether it uses up none of the step's attempts: its channel was paused, or the call never began."""
    retry_at_ms: int | None = None
    personal: Message = Message()


class AttemptUnknown(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="attempt_unknown"):
    """Nobody knows whether the provider took the action: what follows is that it is asked, or repeated, or neither."""

    action_key: str
    attempt: int
    code: str
    retry_at_ms: int | None = None
    """Another attempt follows, with the same key."""
    question: int = 0
    """Which question about the attempt this came to; 0: the attempt itself."""
    ask_at_ms: int | None = None
    """The provider is asked then what it knows of the attempt."""
    answered: int = 0
    """How often it answered already, and knew nothing of it."""
    personal: Message = Message()


class OutcomeAsked(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="outcome_asked"):
    """The provider will be asked what it knows of an attempt whose outcome is unknown; its answer counts until the deadline."""

    action_key: str
    attempt: int
    question: int
    """1 for the first question about the attempt."""
    deadline_ms: int


class RetryDue(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="retry_due"):
    """A failed attempt's back-off, or what held the action, is over: it waits for a slot again."""

    action_key: str


class DeliveryReported(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="delivery_reported"):
    """A provider said, later, what became of a message: `status` is one of `domain.delivery`'s."""

    command_id: str
    action_key: str
    channel: str
    status: str
    provider_id: str | None = None
    code: str | None = None
    occurred_at_ms: int | None = None
    price: str | None = None
    """What it cost, as the provider tells it: an amount and a currency (`0.0079 USD`)."""
    personal: Address = Address()


class ConsentChanged(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="consent_changed"):
    """An address is not written to on a channel from here on, or may be again (`allowed`)."""

    channel: str
    allowed: bool
    reason: str
    personal: Address = Address()


# ---------------------------------------------------------------- decided: enrollments


class Enrolled(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrolled"):
    """A contact entered a version, because of its journal event `cause_seq`."""

    workflow_id: str
    version: int
    trigger_type: str
    trigger_index: int
    cause_seq: int
    first_step: str
    hops: int = 0
    personal: TriggerData = TriggerData()


class TriggerSkipped(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="trigger_skipped"):
    """A trigger matched and enrolled nobody: `paused`, `reentry`, `hop_limit` or `rate_guard`."""

    workflow_id: str
    version: int
    trigger_type: str
    cause_seq: int
    reason: str


class EnrollmentCompleted(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_completed"):
    """The enrollment ran off the end of its workflow."""


class EnrollmentExited(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_exited"):
    """The enrollment left early: an `exit` step, `on_failure: exit`, `when_late: exit`, or a repair."""

    reason: str


class EnrollmentCancelled(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_cancelled"):
    """An operator, or a publish with `in_flight: cancel`, ended the enrollment."""

    reason: str


class EnrollmentPaused(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_paused"):
    """The enrollment stands still, since `paused_at_ms`, by its `operator` or its `workflow`."""

    by: str
    paused_at_ms: int


class EnrollmentResumed(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_resumed"):
    """The enrollment goes on; its delays and retries are due `shift_ms` later than before."""

    shift_ms: int


class EnrollmentRetried(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_retried"):
    """An operator settled the enrollment's incident: do it `again`, take it as `succeeded`, or `skip` it."""

    incident_id: str
    how: str


class EnrollmentMigrated(_Enrollment, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_migrated"):
    """The enrollment goes on in another version, at the step of the same id."""

    version: int


class EnrollmentHeld(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_held"):
    """The enrollment stands still: its step was due at `due_at_ms`, too long ago to run without a person's word."""

    due_at_ms: int


class EnrollmentRepaired(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="enrollment_repaired"):
    """A repair settled a late or failed step: `run` it now, `skip` it, or `exit`; what that came to follows."""

    command_id: str
    how: str
    by: str
    late_ms: int
    personal: Message = Message()


# ---------------------------------------------------------------- decided: steps


class ContactChanged(_Visit, frozen=True, kw_only=True, omit_defaults=True, tag="contact_changed"):
    """A step changed the contact; `change` and `data` have the shape of a contact event."""

    change: str
    hops: int
    personal: Data = Data()


class TimerSet(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="timer_set"):
    """A step waits until `due_at_ms`."""

    due_at_ms: int
    personal: StepData = StepData()


class EventAwaited(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="event_awaited"):
    """A step waits for an event, until `due_at_ms` if it has a time-out; its completion says how that ended."""

    due_at_ms: int | None = None
    personal: StepData = StepData()


class ActionRequested(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="action_requested"):
    """A step wants an effect on a provider; `tries` attempts at most."""

    action_key: str
    channel: str
    tries: int
    secrets: tuple[SecretUse, ...] = ()
    """Where secrets go in the request, which holds references to them."""
    personal: Request = Request()


class SendHeld(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="send_held"):
    """A message may not go now, for `reason` (`send_window`, `frequency_cap`); its step is entered anew at `until_ms`."""

    until_ms: int
    reason: str


class StepCompleted(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="step_completed"):
    """A step is done and chose where to go: `next_step`, or the end (None)."""

    next_step: str | None = None
    branch: str | None = None
    hops: int | None = None
    """Of a wait that a fact ended: the length of the chain behind that, which what follows goes on with."""
    personal: StepData = StepData()


class StepSkipped(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="step_skipped"):
    """A step was not done, for `reason` (`operator`, `late`, `frequency_cap` ...); the enrollment goes on at `next_step`, or ends."""

    reason: str
    next_step: str | None = None


class StepFailed(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="step_failed"):
    """A step failed for good. `goes_on` says whether `next_step` is next (else an incident or an exit follows)."""

    code: str
    goes_on: bool = False
    next_step: str | None = None
    personal: Message = Message()


class IncidentOpened(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="incident_opened"):
    """Work stopped and needs a person. With an enrollment, that enrollment is `failed` until it is retried."""

    incident_id: str
    code: str
    enrollment_id: str | None = None
    workflow_id: str | None = None
    step_id: str | None = None
    personal: Message = Message()


class IncidentResolved(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="incident_resolved"):
    """An incident is closed: `again`, `succeeded`, `skip`, `cancelled`, or `outcome` (it became known after all)."""

    incident_id: str
    resolution: str


# ---------------------------------------------------------------- partition


class PartitionOpened(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="partition_opened"):
    """The partition's very first event: input older than `fires_from_ms` fires no triggers."""

    fires_from_ms: int


class CatalogueAdvanced(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="catalogue_advanced"):
    """Definitions below `offset` are in force from here on."""

    offset: int


class CatalogueReconciled(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="catalogue_reconciled"):
    """Definitions below `offset` have reached every open enrollment of the partition."""

    offset: int


class ChannelPaused(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="channel_paused"):
    """The provider of a channel is down: the worker that owns the partition, and others of its, holds its calls back."""

    channel: str
    incident_id: str
    code: str
    """What the last call came to."""


class ChannelResumed(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="channel_resumed"):
    """The provider of a channel answers again."""

    channel: str
    incident_id: str


class InputsAdvanced(JournalEvent, frozen=True, kw_only=True, omit_defaults=True, tag="inputs_advanced"):
    """Inputs were consumed that changed no contact; it carries their positions."""


AnyJournalEvent = (
    ContactEventAccepted
    | CommandResulted
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptUnknown
    | OutcomeAsked
    | RetryDue
    | DeliveryReported
    | ConsentChanged
    | Enrolled
    | TriggerSkipped
    | EnrollmentCompleted
    | EnrollmentExited
    | EnrollmentCancelled
    | EnrollmentPaused
    | EnrollmentResumed
    | EnrollmentRetried
    | EnrollmentMigrated
    | EnrollmentHeld
    | EnrollmentRepaired
    | ContactChanged
    | TimerSet
    | EventAwaited
    | ActionRequested
    | SendHeld
    | StepCompleted
    | StepSkipped
    | StepFailed
    | IncidentOpened
    | IncidentResolved
    | PartitionOpened
    | CatalogueAdvanced
    | CatalogueReconciled
    | ChannelPaused
    | ChannelResumed
    | InputsAdvanced
)
