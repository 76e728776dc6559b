"""The story of an enrollment, told from the contact's journal: what started it, each step, and how it stands."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.steps.ab_split import AbSplit
from domain.times import read_time_ms, span_text
from domain.why import sending, waits
from domain.why.past import Moment, Past
from domain.why.story import Arm, Enrollment, Missed, Send, StepVisit, Turn
from domain.why.visits import told

ENDED: Final[dict[type[j.JournalEvent], str]] = {
    j.EnrollmentCompleted: "completed",
    j.EnrollmentExited: "exited",
    j.EnrollmentCancelled: "cancelled",
}
OPEN: Final = ("pending", "running")
_NOT_HELD: Final[dict[str, Any]] = {"due_at_ms": None, "code": None, "message": None}


def enrollments(past: Past, *, workflow_id: str | None = None, enrollment_id: str | None = None) -> list[Enrollment]:
    """The contact's enrollments in a workflow, or the one with this id, in order."""
    tellers: dict[str, _Teller] = {}
    for moment in past:
        event = moment.event
        if isinstance(event, j.Enrolled) and (event.workflow_id == workflow_id or event.enrollment_id == enrollment_id):
            tellers[event.enrollment_id] = _Teller(event)
        else:
            for teller in tellers.values():
                teller.hear(moment)
    return [teller.whole() for teller in tellers.values()]


class _Teller:
    """Hears the journal and keeps one enrollment's story."""

    def __init__(self, event: j.Enrolled) -> None:
        self.told = Enrollment(
            id=event.enrollment_id,
            workflow_id=event.workflow_id,
            version=event.version,
            contact_id=event.contact_id,
            status="active",
            current_step=event.first_step,
            enrolled_at_ms=event.at_ms,
            cause_seq=event.cause_seq,
            trigger_type=event.trigger_type,
            trigger_index=event.trigger_index,
            event=event.personal.event,
            conditions=event.personal.matched,
            hops=event.hops,
        )
        self._incidents: set[str] = set()
        self._held = False

    def whole(self) -> Enrollment:
        """What was heard so far, each step in words too."""
        steps = tuple(replace(step, words=told(step)) for step in self.told.steps)
        return replace(self.told, steps=steps)

    def hear(self, moment: Moment) -> None:
        """Take one more journal event in."""
        event = moment.event
        if (
            isinstance(event, j.ContactEventAccepted | j.ContactChanged)
            and getattr(event, "enrollment_id", "") != self.told.id
        ):
            self._heard(waits.missed(moment, event, self.told.id))
        elif isinstance(event, j.IncidentResolved):
            if event.incident_id in self._incidents:
                self._turn(event, f"the incident was resolved: {event.resolution}")
        elif getattr(event, "enrollment_id", None) == self.told.id:
            case = _CASES.get(type(event))
            if case is not None:
                case(self, event, moment)

    # ------------------------------------------------------------ the enrollment

    def _set(self, **changes: Any) -> None:
        self.told = replace(self.told, **changes)

    def _turn(self, event: j.JournalEvent, told: str) -> None:
        kind = str(type(event).__struct_config__.tag)
        self._set(turns=(*self.told.turns, Turn(seq=event.seq, at_ms=event.at_ms, type=kind, words=told)))

    def ended(self, event: Any, _: Moment) -> None:
        status, reason = ENDED[type(event)], getattr(event, "reason", None)
        self._set(status=status, current_step=None, ended_at_ms=event.at_ms, end_reason=reason)
        self._set(steps=tuple(_dropped(step, event.at_ms) for step in self.told.steps))
        why = f": {reason}" if reason else ""
        self._turn(event, f"the enrollment {status if status == 'exited' else f'was {status}'}{why}")

    def paused(self, event: j.EnrollmentPaused, _: Moment) -> None:
        self._set(status="paused")
        self._turn(event, f"it was paused by {'an operator' if event.by == 'operator' else f'its {event.by}'}")

    def held(self, event: j.EnrollmentHeld, _: Moment) -> None:
        self._set(status="paused")
        self._held = True
        late = span_text((event.at_ms - event.due_at_ms) // 1_000)
        self._turn(event, f"it was held, as its step {event.step_id} was {late} late")

    def repaired(self, event: j.EnrollmentRepaired, _: Moment) -> None:
        if self._held:
            self._set(status="active")
            self._held = False
        why = f": {event.personal.message}" if event.personal.message else ""
        self._turn(event, f"{event.by} repaired it at step {event.step_id} ({event.how}){why}")

    def resumed(self, event: j.EnrollmentResumed, _: Moment) -> None:
        self._set(status="active")
        self._turn(event, "it went on after the pause")
        last = self.told.steps[-1] if self.told.steps else None
        if last and last.status == "running" and last.due_at_ms is not None:
            self._put(replace(last, due_at_ms=last.due_at_ms + event.shift_ms))

    def retried(self, event: j.EnrollmentRetried, _: Moment) -> None:
        self._set(status="active")
        self._turn(event, f"it went on after the incident: {event.how}")
        last = self.told.steps[-1] if self.told.steps else None
        if event.how == "again" and last is not None and last.status == "failed" and last.send is not None:
            self._put(replace(last, status="pending", done_at_ms=None, code=None, message=None))

    def migrated(self, event: j.EnrollmentMigrated, _: Moment) -> None:
        self._set(version=event.version)
        self._turn(event, f"it went on in version {event.version}, by a publish that migrated contacts in flight")

    def incident(self, event: j.IncidentOpened, _: Moment) -> None:
        self._incidents.add(event.incident_id)
        self._set(status="failed")
        message = event.personal.message or event.code
        for step in self.told.steps:
            if step.step_id == event.step_id and step.status in OPEN:
                self._put(replace(step, status="failed", code=event.code, message=message, done_at_ms=event.at_ms))
        self._turn(event, f"it stopped with an incident: {message} ({event.code})")

    # ------------------------------------------------------------ its steps

    def _put(self, visit: StepVisit) -> None:
        """Keep a visit, in the place of what was known of it."""
        key = (visit.step_id, visit.visit)
        steps = {(known.step_id, known.visit): known for known in self.told.steps} | {key: visit}
        self._set(steps=tuple(steps.values()))

    def _known(self, event: Any) -> StepVisit | None:
        of_event = (step for step in self.told.steps if (step.step_id, step.visit) == (event.step_id, event.visit))
        return next(of_event, None)

    def _visit(self, event: Any, status: str, **fields: Any) -> None:
        known = self._known(event) or StepVisit(
            seq=event.seq,
            step_id=event.step_id,
            step_type=getattr(event, "step_type", ""),
            visit=event.visit,
            status=status,
            entered_at_ms=event.at_ms,
        )
        kind = known.step_type or getattr(event, "step_type", "")
        self._put(replace(known, status=status, step_type=kind, **fields))

    def waits(self, event: j.TimerSet, _: Moment) -> None:
        self._set(current_step=event.step_id)
        self._visit(event, "running", due_at_ms=event.due_at_ms)

    def awaits(self, event: j.EventAwaited, _: Moment) -> None:
        self._set(current_step=event.step_id)
        self._visit(event, "running", due_at_ms=event.due_at_ms, **waits.waiting(event))

    def _heard(self, event: Missed | None) -> None:
        if event is not None:
            last = self.told.steps[-1]
            self._put(replace(last, missed=(*last.missed, event)))

    def asks(self, event: j.ActionRequested, _: Moment) -> None:
        self._set(current_step=event.step_id)
        self._visit(event, "pending", send=sending.asked(event), **_NOT_HELD)

    def holds(self, event: j.SendHeld, _: Moment) -> None:
        known = self._known(event)
        self._set(current_step=event.step_id)
        status = known.status if known is not None and known.status in OPEN else "pending"
        message = sending.HELD.get(event.reason, event.reason)
        self._visit(event, status, due_at_ms=event.until_ms, code=event.reason, message=message)

    def goes_on(self, event: j.RetryDue, _: Moment) -> None:
        known = self._known(event)
        if known is not None:
            self._put(replace(known, **_NOT_HELD))

    def changed(self, event: j.ContactChanged, _: Moment) -> None:
        known = self._known(event)
        change = {"type": event.change, "data": event.personal.data}
        self._visit(event, known.status if known else "running", changes=(*(known.changes if known else ()), change))

    def completed(self, event: j.StepCompleted, moment: Moment) -> None:
        self._set(current_step=event.next_step)
        given, output = event.personal.input, event.personal.output
        until = read_time_ms(output["delay_until"]) if isinstance(output.get("delay_until"), str) else None
        arm = (
            Arm(path=event.branch or "", weights=_weights(self.told, event, moment))
            if event.step_type == "ab_split"
            else None
        )
        due = {} if until is None else {"due_at_ms": until}
        self._visit(
            event,
            "completed",
            done_at_ms=event.at_ms,
            conditions=given.get("conditions") or [],
            branch=event.branch,
            arm=arm,
            message=output.get("settled_by") and "an operator settled it as succeeded",
            received=waits.received(event),
            code=None,
            next_step=event.next_step,
            **due,
            **waits.waiting(event),
        )

    def skipped(self, event: j.StepSkipped, _: Moment) -> None:
        self._set(current_step=event.next_step)
        message = sending.SKIPPED.get(event.reason, event.reason)
        self._visit(
            event, "skipped", done_at_ms=event.at_ms, code=event.reason, message=message, next_step=event.next_step
        )

    def failed(self, event: j.StepFailed, _: Moment) -> None:
        if event.goes_on:
            self._set(current_step=event.next_step)
        message = event.personal.message or event.code
        self._visit(
            event, "failed", done_at_ms=event.at_ms, code=event.code, message=message, next_step=event.next_step
        )

    # ------------------------------------------------------------ its attempts

    def attempt_started(self, event: j.AttemptStarted, _: Moment) -> None:
        known = self._known(event)
        if known is not None and known.send is not None:
            status = "running" if known.status in (*OPEN, "failed") else known.status
            self._put(replace(known, status=status, send=sending.attempted(known.send, event)))

    def attempt_ended(self, event: Any, _: Moment) -> None:
        self._change_send(event, sending.answered)

    def delivered(self, event: j.DeliveryReported, _: Moment) -> None:
        self._change_send(event, sending.delivered)

    def _change_send(self, event: Any, change: Callable[[Send, Any], Send]) -> None:
        known = self._known(event)
        if known is not None and known.send is not None:
            self._put(replace(known, send=change(known.send, event)))


_CASES: Final[dict[type[j.JournalEvent], Callable[[_Teller, Any, Moment], None]]] = {
    **dict.fromkeys(ENDED, _Teller.ended),
    j.EnrollmentPaused: _Teller.paused,
    j.EnrollmentHeld: _Teller.held,
    j.EnrollmentRepaired: _Teller.repaired,
    j.EnrollmentResumed: _Teller.resumed,
    j.EnrollmentRetried: _Teller.retried,
    j.EnrollmentMigrated: _Teller.migrated,
    j.IncidentOpened: _Teller.incident,
    j.TimerSet: _Teller.waits,
    j.EventAwaited: _Teller.awaits,
    j.SendHeld: _Teller.holds,
    j.RetryDue: _Teller.goes_on,
    j.ActionRequested: _Teller.asks,
    j.ContactChanged: _Teller.changed,
    j.StepCompleted: _Teller.completed,
    j.StepSkipped: _Teller.skipped,
    j.StepFailed: _Teller.failed,
    j.AttemptStarted: _Teller.attempt_started,
    j.DeliveryReported: _Teller.delivered,
    **dict.fromkeys(sending.OUTCOMES, _Teller.attempt_ended),
}

TOLD: Final = frozenset({j.Enrolled, j.IncidentResolved, *_CASES})
"""Journal events that a story tells of."""
SILENT: Final = frozenset({j.CommandResulted, j.OutcomeAsked})
"""Those about an enrollment that say nothing which others do not; a test holds that none is forgotten."""


def _dropped(step: StepVisit, at_ms: int) -> StepVisit:
    return replace(step, status="skipped", done_at_ms=at_ms) if step.status in OPEN else step


def _weights(enrollment: Enrollment, event: j.StepCompleted, moment: Moment) -> dict[str, float]:
    """The weights of the version in which the arm was given out."""
    step = moment.catalogue.workflow(enrollment.workflow_id, enrollment.version).steps.get(event.step_id)
    config = step.config if step else None
    return dict(zip(config.paths, config.weights, strict=True)) if isinstance(config, AbSplit) else {}
