"""The dry run: the path that a contact would take now, by the same `decide`; nothing is sent or written.

Waits are skipped in virtual time, providers are taken to accept, and nothing else happens meanwhile (no reply) but what the
caller says that comes when the contact waits for an event. Without that a wait takes its time-out, or is where the dry run ends.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue, Entry, Version
from domain.conditions import explain
from domain.consent import Suppression
from domain.contact import Contact
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, StartAttempt, TimerDue, decide
from domain.enrollment import Enrollment
from domain.evolve import initial
from domain.fields import Scope
from domain.frequency import Sent
from domain.ids import action_key
from domain.state import ContactState
from domain.steps.wait_for_event import DELIVERY
from domain.times import format_time
from domain.workflow import Workflow

MAX_STEPS: Final = 1_000
"""Steps after which a dry run stops: the workflow goes round in a circle of waits."""


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken to happen when the contact waits for an event: a contact event, or a `delivery` (`step`, `status`)."""

    type: str
    data: dict[str, Any] = {}


class DryRunStep(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of a step. `at_ms` is when it is entered, in virtual time."""

    step_id: str
    step_type: str
    at_ms: int
    status: str
    input_data: dict[str, Any]
    output_data: dict[str, Any]
    next: str | None


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen: `ends` is the enrollment's last status, or `step_limit`, or `not_enrolled`."""

    enrolled: bool
    reason: str | None
    steps: tuple[DryRunStep, ...] = ()
    ends: str = "not_enrolled"


def dry_run(
    workflow: Workflow,
    contact: Contact,
    *,
    now_ms: int,
    event: dict[str, Any] | None = None,
    last_sms_reply: str | None = None,
    enrolled_before: bool = False,
    enrolled_now: bool = False,
    events: Sequence[Assumed] = (),
    suppressions: tuple[Suppression, ...] = (),
    sent: tuple[Sent, ...] = (),
    phone_region: str | None = None,
) -> DryRun:
    """The path of this contact through this version, from now on.

    Args:
        workflow: a compiled version, published or not.
        contact: the contact as it is now.
        now_ms: when the dry run starts.
        event: the triggering event to assume (`id`, `type`, `source`, `time`, `data`).
        last_sms_reply: the contact's newest inbound SMS, ever.
        enrolled_before: whether the contact was ever enrolled in the workflow (re-entry `once`).
        enrolled_now: whether an enrollment is open (re-entry `after_exit`).
        events: what comes, one after the other, as soon as the contact waits for an event; those that are left never come.
        suppressions: addresses that are not written to.
        sent: the contact's last messages, in order of time, which frequency caps count.
        phone_region: the country of phone numbers that name none.
    """
    scope = Scope(contact=contact, now_ms=now_ms, event=event, last_sms_reply=last_sms_reply)
    refusal = _refusal(workflow, scope, enrolled_before=enrolled_before, enrolled_now=enrolled_now)
    if refusal:
        return DryRun(enrolled=False, reason=refusal)
    known = replace(contact, created_at_ms=contact.created_at_ms or 1)
    state = replace(
        initial(contact.id), contact=known, last_sms_reply=last_sms_reply, suppressions=suppressions, sent=sent
    )
    run = _Run(Context(now_ms=now_ms, catalogue=_catalogue(workflow), phone_region=phone_region), state, events)
    run.take(c.EnrollContact(command_id="dry-run", contact_id=contact.id, workflow_id=workflow.id))
    run.to_the_end()
    return DryRun(enrolled=True, reason=None, steps=tuple(run.steps.values()), ends=run.ends)


def _refusal(workflow: Workflow, scope: Scope, *, enrolled_before: bool, enrolled_now: bool) -> str | None:
    if workflow.reentry == "once" and enrolled_before:
        return "the contact was enrolled before, and the workflow's re-entry rule is `once`"
    if workflow.reentry == "after_exit" and enrolled_now:
        return "the contact has an open enrollment, and the workflow's re-entry rule is `after_exit`"
    missed = []
    for trigger in workflow.triggers:
        holds, operands = explain(trigger.conditions, scope) if trigger.conditions else (True, [])
        if holds:
            return None
        missed += [_words(one) for one in operands if not one["result"]]
    return f"no trigger's conditions are met: {'; '.join(missed)}" if missed else "the workflow has no trigger"


def _words(operand: dict[str, Any]) -> str:
    return f"{operand['field']} {operand['operator']} {operand['value']!r} (it is {operand['actual']!r})"


def _catalogue(workflow: Workflow) -> Catalogue:
    live = replace(workflow, reentry="always")
    version = Version(number=workflow.version, document={}, digest="", diagnostics=(), compiled=live)
    entry = Entry(
        id=workflow.id,
        name=workflow.name,
        status="active",
        versions={workflow.version: version},
        published=workflow.version,
    )
    return Catalogue(entries={workflow.id: entry})


class _Run:
    """Feeds the engine until the enrollment ends, and keeps what its steps did."""

    def __init__(self, context: Context, state: ContactState, events: Sequence[Assumed]) -> None:
        self.context, self.state = context, state
        self.events = list(events)
        self.steps: dict[tuple[str, int], DryRunStep] = {}
        self.first: str | None = None
        self.ends = "waiting"

    def take(self, given: Input) -> None:
        decision = decide(self.state, given, self.context)
        self.state = decision.state
        for event in decision.events:
            self._note(event)

    def to_the_end(self) -> None:
        while self.ends == "waiting" and self.first is not None:
            enrollment = self.state.enrollments.get(self.first)
            if enrollment is not None and enrollment.awaits_event and enrollment.timer is None and not self.events:
                return  # for ever, as nothing more happens
            if enrollment is None or len(self.steps) >= MAX_STEPS:
                self.ends = self.ends if enrollment is None else "step_limit"
                return
            self._go_on(enrollment.id)

    def _go_on(self, enrollment_id: str) -> None:
        enrollment = self.state.enrollments[enrollment_id]
        contact_id, timer, action = self.state.contact.id, enrollment.timer, enrollment.action
        if enrollment.awaits_event and self.events:
            self.take(self._given(enrollment, self.events.pop(0)))
        elif timer is not None:
            self.context = replace(self.context, now_ms=max(self.context.now_ms, timer.due_at_ms))
            self.take(TimerDue(contact_id=contact_id, enrollment_id=enrollment_id))
        elif action is not None:
            far = self.context.now_ms + 60_000
            start = StartAttempt(contact_id=contact_id, enrollment_id=enrollment_id, start_by_ms=far, deadline_ms=far)
            self.take(start)
            self.take(
                c.ReportOutcome(
                    command_id=f"dry-run/{action.key}",
                    contact_id=contact_id,
                    enrollment_id=enrollment_id,
                    action_key=action.key,
                    attempt=1,
                    outcome="succeeded",
                    output={"simulated": True},
                )
            )
        else:
            self.ends = enrollment.status

    def _given(self, enrollment: Enrollment, assumed: Assumed) -> Input:
        contact_id, id_ = self.state.contact.id, f"dry-run/{self.state.seq}"
        if assumed.type != DELIVERY:
            return ContactEvent(
                contact_id=contact_id,
                source="dry-run",
                id=id_,
                type=assumed.type,
                data=assumed.data,
                time=format_time(self.context.now_ms),
            )
        step_id = str(assumed.data.get("step"))
        visit = enrollment.visits.get(step_id, 1)
        return c.ReportDelivery(
            command_id=id_,
            contact_id=contact_id,
            enrollment_id=enrollment.id,
            step_id=step_id,
            visit=visit,
            action_key=action_key(enrollment.id, step_id, visit),
            channel="",
            status=str(assumed.data.get("status")),
        )

    def _note(self, event: j.JournalEvent) -> None:
        match event:
            case j.Enrolled():
                self.first = self.first or event.enrollment_id
            case j.TimerSet() | j.EventAwaited():
                output = {} if event.due_at_ms is None else {"delay_until": format_time(event.due_at_ms)}
                self._step(event, "running", event.personal.input, output, None)
            case j.SendHeld():
                output = {"reason": event.reason, "delay_until": format_time(event.until_ms)}
                self._step(event, "pending", {}, output, None)
            case j.ActionRequested():
                self._step(event, "pending", event.personal.request, {}, None)
            case j.StepCompleted():
                self._step(event, "completed", event.personal.input, event.personal.output, event.next_step)
            case j.StepSkipped():
                self._step(event, "skipped", {}, {"reason": event.reason}, event.next_step)
            case j.StepFailed():
                output = {"code": event.code, "message": event.personal.message}
                self._step(event, "failed", {}, output, event.next_step)
                self.ends = self.ends if event.goes_on else "failed"
            case j.EnrollmentCompleted():
                self._end(event.enrollment_id, "completed")
            case j.EnrollmentExited():
                self._end(event.enrollment_id, "exited")

    def _step(
        self,
        event: j.TimerSet
        | j.EventAwaited
        | j.SendHeld
        | j.ActionRequested
        | j.StepCompleted
        | j.StepSkipped
        | j.StepFailed,
        status: str,
        given: dict[str, Any],
        output: dict[str, Any],
        next_step: str | None,
    ) -> None:
        """Note a visit; only the enrollment that was asked about counts (its changes may start others)."""
        if event.enrollment_id != self.first:
            return
        key = (event.step_id, event.visit)
        known = self.steps.get(key)
        self.steps[key] = DryRunStep(
            step_id=event.step_id,
            step_type=event.step_type,
            at_ms=known.at_ms if known else event.at_ms,
            status=status,
            input_data=given or (known.input_data if known else {}),
            output_data=(known.output_data if known else {}) | output,
            next=next_step,
        )

    def _end(self, enrollment_id: str, status: str) -> None:
        if enrollment_id == self.first:
            self.ends = status
