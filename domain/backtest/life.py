"""One contact's life with a candidate in force: real events come in, and what would have followed from them goes out."""

# over 300 lines because all that may happen to a simulated contact is read in one place

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.asking import ASK_AFTER_MS, is_asked
from domain.backtest import others
from domain.backtest.beginnings import begins_decision, is_reconciling, is_settling, is_turn
from domain.backtest.happened import Happened
from domain.backtest.in_step import acts_alike, due_ms, input_of, waits_alike
from domain.backtest.inputs import assumed_outcome, command_of, delivery_of, fact_of, nothing_found
from domain.backtest.numbered import NumberedDecision
from domain.backtest.rules import MAX_VISITS, Rules
from domain.catalogue import Catalogue
from domain.consent import keyword_of
from domain.decision import Context
from domain.delivering import report_delivery
from domain.engine import Input, Reconcile, StartAttempt, TimerDue, decide_failure, take
from domain.enrollment import CLOSED, Enrollment, PendingAction
from domain.hearing import hear
from domain.ids import enrollment_id
from domain.running import run_turn
from domain.state import ContactState, Seen
from domain.triggers import about

_UNREAL: Final = 1 << 40
"""Causes that never happened are numbered from here on, so that their ids are nobody's."""
_ANSWER_WITHIN_MS: Final = 60_000

Note = Callable[[j.JournalEvent], None]
"""Hears each event that the simulation decided."""


class Life:
    """Simulates one contact; `hear` takes each real event, `settle` ends a burst of them, `fire_due` lets time pass.

    A simulated enrollment that stands exactly where the real one stands waits for what really happened to it: its
    timer fires and its action comes to its outcome where they stand in the journal. One that does not is on its own:
    its timers fire when they are due, and its actions come to an outcome at once.
    """

    __slots__ = (
        "_asked",
        "_happened",
        "_note",
        "_now_ms",
        "_pending",
        "_reconciled",
        "_rules",
        "_unreal",
        "enrolled",
        "state",
    )

    def __init__(self, state: ContactState, rules: Rules, happened: Happened, note: Note) -> None:
        self.state = state
        self._rules, self._happened, self._note = rules, happened, note
        self._pending: list[str] = []
        """Enrollments that may run on, and have not had their turn."""
        self._unreal = _UNREAL
        self._reconciled = False
        """Whether the last real event was the catalogue's doing: the decision's own input may still come."""
        self._now_ms = 0
        self._asked: dict[str, str] = {}
        """The channels of the actions that were asked for, by their keys."""
        self.enrolled = False
        """Whether the candidate ever enrolled the contact."""

    # ------------------------------------------------------------ what really happened

    def hear(self, event: j.JournalEvent, before: j.JournalEvent | None, *, concerns: bool) -> None:
        """Take the next real event in.

        Args:
            event: the event.
            before: the one right before it in its burst.
            concerns: whether it is about an enrollment that is simulated.
        """
        real = self._happened.enrollment(getattr(event, "enrollment_id", "")) if concerns else None
        begins = begins_decision(event, before, real)
        if begins and not self._reconciled:
            self.settle()
        self._now_ms = event.at_ms
        self._reconciled = is_reconciling(event, before) or (self._reconciled and is_settling(event, before, real))
        if isinstance(event, j.DeliveryReported) and concerns:
            self._delivery(event, begins=begins)
        elif concerns:
            self._hear_own(event, real)
        else:
            self._hear_other(event)

    def _hear_other(self, event: j.JournalEvent) -> None:
        match event:
            case j.ContactEventAccepted():
                self._fact(event)
            case j.ContactChanged():
                decision = self._decision(self._rules.facts, event.seq)
                before = self.state.contact
                fields = {
                    name: getattr(event, name) for name in ("enrollment_id", "step_id", "visit", "change", "hops")
                }
                changed = decision.record(j.ContactChanged, **fields, personal=event.personal)
                hear(decision, before, changed)
                del decision.events[0]  # the change itself is another workflow's
                self._keep(decision)
            case j.CommandResulted() if event.result == "accepted":
                self._command(event)
            case _:
                self.state = others.stand(self.state, event)

    def _fact(self, event: j.ContactEventAccepted) -> None:
        if not event.applied or self._nobody_hears(event):
            self.state = others.learn(self.state, event)
        else:
            self._take(fact_of(event), event.seq)

    def _nobody_hears(self, event: j.ContactEventAccepted) -> bool:
        """Whether deciding would come to nothing but the fact itself."""
        data = event.personal.data
        if self.state.enrollments or (event.event_type == "contact.sms_received" and keyword_of(data.get("body"))):
            return False
        return not about(self._rules.facts.triggers, event.event_type, data)

    def _command(self, event: j.CommandResulted) -> None:
        contact_id, workflow_id = event.contact_id, self._rules.candidate.id
        if event.enrollment_id == enrollment_id(workflow_id, contact_id, event.seq):
            self._take(Reconcile(contact_id=contact_id))  # first, as it would take a number in between
            self.state = replace(self.state, seq=event.seq - 1)
            enrol = c.EnrollContact(command_id=event.command_id, contact_id=contact_id, workflow_id=workflow_id)
            self._take(enrol, event.seq)
        elif self._is_open(event.enrollment_id) and (command := command_of(event, self._happened)):
            self._take(command, event.seq)

    def _is_open(self, enrollment_id: str | None) -> bool:
        enrollment = self.state.enrollments.get(enrollment_id) if enrollment_id else None
        return enrollment is not None and enrollment.status not in CLOSED and not others.is_stand_in(enrollment)

    def _hear_own(self, event: Any, real: Enrollment | None) -> None:
        """A real event of an enrollment that is simulated says when the simulated one goes on, not how."""
        if isinstance(event, j.ConsentChanged):  # it follows from what the simulation was told, if it does
            return
        enrollment = self.state.enrollments.get(event.enrollment_id)
        if enrollment is None:
            return
        if self._reconciled:
            self._take(Reconcile(contact_id=event.contact_id))
        elif given := input_of(event, real, enrollment):
            asks = not isinstance(event, j.AttemptUnknown) or event.ask_at_ms is not None
            self._take(given, held=isinstance(event, j.EnrollmentHeld), asks=asks)
        elif enrollment.id in self._pending and real is not None and is_turn(event, real):
            self._pending.remove(enrollment.id)  # the real one has its turn here
            self._turn(enrollment.id)

    def _delivery(self, event: j.DeliveryReported, *, begins: bool) -> None:
        """A provider's word on a message counts if the simulation sent it, too."""
        if self._asked.get(event.action_key) != event.channel:
            return
        if begins:
            self._take(delivery_of(event))
            return
        decision = self._decision(self._rules.facts)  # the decision that it is part of has asked the catalogue
        report_delivery(decision, delivery_of(event))
        self._keep(decision)

    # ------------------------------------------------------------ what follows

    def settle(self) -> None:
        """The decision is over: all that may run on does, and actions that never really happened come to an outcome."""
        while True:
            while self._pending:
                self._turn(self._pending.pop(0))
            asked = next((e for e in self.state.enrollments.values() if self._is_alone(e)), None)
            if asked is None or asked.action is None:
                return
            if asked.action.status == "unknown":
                self._come_to_an_answer(asked, asked.action)
            else:
                self._come_to_an_outcome(asked, asked.action)

    def reconcile(self, now_ms: int) -> None:
        """Every open enrollment has heard of the catalogue in force."""
        if all(map(others.is_stand_in, self.state.enrollments.values())):
            return
        self._now_ms = max(self._now_ms, now_ms)
        self._take(Reconcile(contact_id=self.state.contact.id))
        self.settle()

    def next_due_ms(self) -> int | None:
        """When the next timer is due that is not in the journal."""
        due = [e.timer.due_at_ms for e in self.state.enrollments.values() if e.timer and self._fires_alone(e)]
        return min(due, default=None)

    def fire_due(self, before_ms: int) -> None:
        """Let time pass up to `before_ms`: timers fire that are not in the journal."""
        while True:
            waiting = [e for e in self.state.enrollments.values() if e.timer and self._fires_alone(e)]
            first = min(waiting, key=due_ms, default=None)
            if first is None or due_ms(first) >= before_ms:
                return
            self._now_ms = max(self._now_ms, due_ms(first))
            self._take(TimerDue(contact_id=self.state.contact.id, enrollment_id=first.id))
            self.settle()

    def _is_alone(self, enrollment: Enrollment) -> bool:
        """Whether the enrollment wants, or waits for, an attempt or an answer that the real one does not, too."""
        action, real = enrollment.action, self._happened.enrollment(enrollment.id)
        if action is not None and is_asked(enrollment, action):
            return not waits_alike(real, enrollment)
        if action is None or not (
            action.status == "running" or (action.status == "requested" and enrollment.status == "active")
        ):
            return False
        return not acts_alike(real, enrollment)

    def _fires_alone(self, enrollment: Enrollment) -> bool:
        """Whether the enrollment's timer fires when it is due, as the real one does not wait for the same."""
        timer = enrollment.timer
        if timer is None or (enrollment.status != "active" and timer.kind != "deadline"):
            return False
        if not waits_alike(self._happened.enrollment(enrollment.id), enrollment):
            return sum(enrollment.visits.values()) < MAX_VISITS
        return False

    def _come_to_an_outcome(self, enrollment: Enrollment, action: PendingAction) -> None:
        at: dict[str, Any] = {"contact_id": self.state.contact.id, "enrollment_id": enrollment.id}
        if action.status == "requested":
            until_ms = self._now_ms + _ANSWER_WITHIN_MS
            self._take(StartAttempt(**at, start_by_ms=until_ms, deadline_ms=until_ms))
            started = self.state.enrollments.get(enrollment.id)
            if started is None or started.action is None or started.action.status != "running":
                return  # consent had ended
            action = started.action
        wanted = (action.key, action.channel)
        known = self._rules.outcomes.get(wanted) or self._happened.outcomes.get(wanted)
        if known is None:
            known = assumed_outcome(self._rules.assumed, self.state.contact.id, enrollment.id, action)
        self._take(replace(known, attempt=action.attempt, question=0))

    def _come_to_an_answer(self, enrollment: Enrollment, action: PendingAction) -> None:
        """The provider is asked what became of an attempt: it says what is known by now, or knows nothing."""
        known = self._happened.outcomes.get((action.key, action.channel))
        if known is None or known.outcome == "unknown":
            known = nothing_found(self.state.contact.id, enrollment.id, action)
        self._take(replace(known, attempt=action.attempt, question=action.asked))

    # ------------------------------------------------------------ deciding

    def _take(self, given: Input, seq: int | None = None, *, held: bool = False, asks: bool = True) -> None:
        """Take an input in; `seq` is the number of the cause that it leaves in the journal.

        `held`: the engine was told to hold what was as late as this; `asks`: a provider is asked what it knows of an
        attempt whose outcome is unknown. Only the journal knows of either.
        """
        decision = self._decision(self._rules.facts, seq, hold_late_ms=0 if held else None, asks=asks)
        try:
            take(decision, given)
        except Exception as error:  # noqa: BLE001 as the engine does: a person would be asked
            failed = decide_failure(self.state, given, error, decision.context)
            self.state = failed.state
            self._tell(failed.events)
            return
        self._keep(decision)
        if self.state.seen.current:  # the journal holds no input twice
            self.state = replace(self.state, seen=Seen())

    def _turn(self, enrollment_id: str) -> None:
        decision = self._decision(self._rules.everything)
        try:
            run_turn(decision, enrollment_id)
        except Exception as error:  # noqa: BLE001 as the engine does: a person would be asked
            given = TimerDue(contact_id=self.state.contact.id, enrollment_id=enrollment_id)
            failed = decide_failure(self.state, given, error, decision.context)
            self.state = failed.state
            self._tell(failed.events)
            return
        self._keep(decision)

    def _decision(
        self, catalogue: Catalogue, seq: int | None = None, *, hold_late_ms: int | None = None, asks: bool = True
    ) -> NumberedDecision:
        left: dict[tuple[Any, ...], list[int]] = {}

        def number(kind: type[j.JournalEvent], fields: dict[str, Any]) -> int:
            nonlocal seq
            found, seq = seq, None
            if found is None and kind is j.ContactChanged:
                visit = (fields["enrollment_id"], fields["step_id"], fields["visit"])
                numbers = left.setdefault(visit, self._happened.changes(*visit))
                found = numbers.pop(0) if numbers else None
            if found is None:
                found = self._unreal = self._unreal + 1
            return found

        context = Context(
            now_ms=self._now_ms,
            catalogue=catalogue,
            hold_late_ms=hold_late_ms,
            ask_after_ms=ASK_AFTER_MS if asks else (),
            phone_region=self._rules.phone_region,
        )
        return NumberedDecision(self.state, context, number)

    def _keep(self, decision: NumberedDecision) -> None:
        self.state = decision.state
        self._pending += decision.runnable
        self._tell(decision.events)

    def _tell(self, events: list[j.JournalEvent]) -> None:
        for event in events:
            if type(event) is j.Enrolled:
                self.enrolled = True
            elif type(event) is j.ActionRequested:
                self._asked[event.action_key] = event.channel
            self._note(event)
