"""The engine on one page: given a contact's state and one input, which journal events follow.

Everything is decided here and nothing is done here: time, choices and definitions come in as data; `evolve`
(in `domain.evolve`) applies what was decided, so the state that a later line reads is the one that the journal
will give. An input that says nothing new decides nothing.
"""

import msgspec

from domain import command as c
from domain import journal as j
from domain.asking import ask
from domain.completing import current_step
from domain.consenting import change_by_command, hear_keyword, refusal
from domain.contact_event import ContactEvent
from domain.decision import Context, Decision
from domain.delivering import report_delivery
from domain.enrolling import enrol_by_hand
from domain.enrollment import CLOSED
from domain.evolve import COMMAND_SOURCE, seen_key
from domain.hearing import hear
from domain.holding import kept_back
from domain.lateness import stopped_as_late
from domain.operating import cancel, pause, resume, retry
from domain.outcomes import deadline_passed, report_outcome
from domain.reconciling import reconcile
from domain.repairing import repair
from domain.running import complete_wait, hold_is_over, run
from domain.skipping import skip_action
from domain.state import ContactState
from domain.steps.kinds import MESSAGE_CHANNELS


class TimerDue(msgspec.Struct, frozen=True, kw_only=True, tag="timer_due"):
    """The timer of an enrollment is due."""

    contact_id: str
    enrollment_id: str


class StartAttempt(msgspec.Struct, frozen=True, kw_only=True, tag="start_attempt"):
    """There is a free slot for an enrollment's action: no call after `start_by_ms`, unknown at `deadline_ms`."""

    contact_id: str
    enrollment_id: str
    start_by_ms: int
    deadline_ms: int


class Reconcile(msgspec.Struct, frozen=True, kw_only=True, tag="reconcile"):
    """The catalogue changed in a way that open enrollments must hear of."""

    contact_id: str


Input = ContactEvent | c.AnyCommand | TimerDue | StartAttempt | Reconcile


def decide(state: ContactState, given: Input, context: Context) -> Decision:
    """What follows from one input: the new journal events, and the state after them."""
    decision = Decision(state, context)
    take(decision, given)
    run(decision)
    return decision


def take(decision: Decision, given: Input) -> None:
    """Take one input in: all that follows from it before the enrollments that may go on do so."""
    reconcile(decision)
    match given:
        case ContactEvent():
            _decide_contact_event(decision, given)
        case TimerDue():
            _decide_timer(decision, given)
        case StartAttempt():
            _decide_start(decision, given)
        case c.ReportOutcome():
            report_outcome(decision, given)
        case c.Command():
            _decide_command(decision, given)
        case Reconcile():
            pass


def decide_failure(state: ContactState, given: Input, error: Exception, context: Context) -> Decision:
    """What follows when `decide` itself failed: an incident that keeps the input, and nothing else changes."""
    decision = Decision(state, context)
    enrollment_id = getattr(given, "enrollment_id", None) if isinstance(given, TimerDue | StartAttempt) else None
    command_id = None if isinstance(given, c.ReportOutcome) else getattr(given, "command_id", None)
    if command_id is not None:
        kind = "contact_event" if isinstance(given, ContactEvent) else _type_of(given)
        words, workflow_id = f"the engine failed: {error}", getattr(given, "workflow_id", None)
        decision.result(command_id, kind, "rejected", code="engine_error", reason=words, workflow_id=workflow_id)
    enrollment = state.enrollments.get(enrollment_id) if enrollment_id else None
    decision.incident(
        "engine_error",
        f"{type(error).__name__}: {error}",
        enrollment=enrollment if enrollment and enrollment.status == "active" else None,
        given=msgspec.to_builtins(given),
    )
    return decision


def _decide_contact_event(decision: Decision, event: ContactEvent) -> None:
    state = decision.state
    if seen_key(event.source, event.id) in state.seen:
        new_command = event.command_id and seen_key(COMMAND_SOURCE, event.command_id) not in state.seen
        if event.command_id and new_command:
            decision.result(event.command_id, "contact_event", "duplicate")
        return
    before = state.contact
    echo = _is_echo(state, event)
    accepted = decision.record(
        j.ContactEventAccepted,
        source=event.source,
        event_id=event.id,
        event_type=event.type,
        time=event.time,
        causation_id=event.causation_id,
        hops=event.hops,
        command_id=event.command_id,
        applied=not echo,
        fires=event.fires,
        personal=j.Data(event.data),
    )
    if event.command_id:
        decision.result(event.command_id, "contact_event", "accepted")
    if event.type == "contact.sms_received" and not echo:
        hear_keyword(decision, event.data)
    if event.fires and not echo:
        hear(decision, before, accepted)


def _is_echo(state: ContactState, event: ContactEvent) -> bool:
    """Whether the event comes back to us from a change that this very journal made."""
    contact_id, _, seq = (event.causation_id or "").rpartition("/")
    return contact_id == event.contact_id and seq.isdecimal() and int(seq) <= state.seq


def _decide_timer(decision: Decision, due: TimerDue) -> None:
    enrollment = decision.state.enrollments.get(due.enrollment_id)
    timer = enrollment.timer if enrollment else None
    if enrollment is None or timer is None or timer.due_at_ms > decision.context.now_ms:
        return
    if timer.kind == "deadline":
        deadline_passed(decision, enrollment)
    elif enrollment.status in ("active", *CLOSED) and timer.kind == "ask":
        ask(decision, enrollment)
    elif enrollment.status == "active" and timer.kind == "delay":
        if not stopped_as_late(decision, enrollment, current_step(decision, enrollment)):
            complete_wait(decision, enrollment)
    elif enrollment.status == "active" and timer.kind == "hold":
        if not stopped_as_late(decision, enrollment, current_step(decision, enrollment)):
            hold_is_over(decision, enrollment)
    elif enrollment.status == "active" and enrollment.action:
        action = enrollment.action
        decision.on_visit(j.RetryDue, enrollment, action.step_id, action.visit, action_key=action.key)


def _decide_start(decision: Decision, start: StartAttempt) -> None:
    enrollment = decision.state.enrollments.get(start.enrollment_id)
    action = enrollment.action if enrollment else None
    if enrollment is None or action is None or enrollment.status != "active" or action.status != "requested":
        return
    reason = refusal(decision, action.channel, action.request)
    if reason is not None:  # consent ended while the message waited
        skip_action(decision, enrollment, action, current_step(decision, enrollment), reason)
        return
    step = current_step(decision, enrollment)
    if stopped_as_late(decision, enrollment, step):
        return
    if action.channel in MESSAGE_CHANNELS and kept_back(decision, enrollment, step, action.visit):
        return  # it waited for its slot until it may not go any more
    decision.on_visit(
        j.AttemptStarted,
        enrollment,
        action.step_id,
        action.visit,
        action_key=action.key,
        attempt=action.attempt + 1,
        start_by_ms=start.start_by_ms,
        deadline_ms=start.deadline_ms,
        channel=action.channel if action.channel in MESSAGE_CHANNELS else None,
    )


def _decide_command(decision: Decision, command: c.Command) -> None:  # noqa: C901 one case a command
    if seen_key(COMMAND_SOURCE, command.command_id) in decision.state.seen:
        return
    if not decision.state.contact.created_at_ms:
        reason = f"there is no contact {command.contact_id!r}"
        about = {"code": "not_found", "reason": reason, "workflow_id": getattr(command, "workflow_id", None)}
        decision.result(command.command_id, _type_of(command), "rejected", **about)
        return
    match command:
        case c.EnrollContact():
            enrol_by_hand(decision, command)
        case c.CancelEnrollment():
            cancel(decision, command)
        case c.PauseEnrollment():
            pause(decision, command)
        case c.ResumeEnrollment():
            resume(decision, command)
        case c.RetryEnrollment():
            retry(decision, command)
        case c.ReportDelivery():
            report_delivery(decision, command)
        case c.ChangeConsent():
            change_by_command(decision, command)
        case c.RepairEnrollment():
            repair(decision, command)


def _type_of(command: msgspec.Struct) -> str:
    return str(type(command).__struct_config__.tag)
