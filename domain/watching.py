"""Watching: of an enrollment's events, what came from outside and when; all else it decided by itself, and will again."""

from typing import Any

import msgspec
from msgspec.structs import replace

from domain import journal as j
from domain.awaited import HOLD, Awaited, awaited_by
from domain.enrollment import CLOSED, Enrollment, PendingAction
from domain.lateness import HOLDER, kept_waiting
from domain.repairing import REASON as REPAIR
from domain.times import format_time
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Fact, Happening, Lateness, Wish


class Watch:
    """Takes a contact's events in, each with the enrollment as it is after it."""

    def __init__(self, enrollment_id: str, start_ms: int) -> None:
        """Nothing was seen yet; times are told from `start_ms` on."""
        self._id, self._start_ms = enrollment_id, start_ms
        self._one: Enrollment | None = None
        """The enrollment after the last event; when it has ended, as it was before that."""
        self.happens: list[Happening] = []
        self._late: list[tuple[Lateness, bool]] = []
        """What was late, and whether that was settled by a hold or a repair (an attempt may then be late again)."""
        self._outcomes: list[AttemptOutcome] = []
        self._ready_ms: dict[Awaited, int] = {}
        """When an attempt could have begun: at first, or since a repair."""
        self._began_ms: dict[Awaited, int] = {}
        self._paused_at_ms = start_ms
        self._known_seq = self._repaired_seq = self._resumed_seq = -1
        """The last event that made an outcome known after all, the last repair, and the last time that it was resumed: what
        they entail is told by them."""

    # ------------------------------------------------------------ what was seen

    def late(self, least_ms: float) -> tuple[Lateness, ...]:
        """What was so late at least, and what was held or repaired; of a visit's holds, one after the other, all or none."""
        told = {_what(one) for one, settled in self._late if settled or one.late_ms >= least_ms}
        return tuple(
            one
            for one, settled in self._late
            if settled or one.late_ms >= least_ms or (one.attempt == HOLD and _what(one) in told)
        )

    def outcomes(self, least_ms: float) -> tuple[AttemptOutcome, ...]:
        """What each attempt came to, and how long after it began; or, when its lateness is not told, after it could have."""
        told = {_what(one) for one, settled in self._late if one.late_ms >= least_ms and not settled}
        return tuple(one if _what(one) in told else self._from_ready(one) for one in self._outcomes)

    def _from_ready(self, one: AttemptOutcome) -> AttemptOutcome:
        began_ms = self._began_ms.get(_what(one))
        if began_ms is None or one.outcome == "open":
            return one
        return replace(one, after_ms=one.after_ms + began_ms - self._ready_ms[_what(one)])

    # ------------------------------------------------------------ seeing

    def take(self, event: j.JournalEvent, after: Enrollment | None) -> None:
        """See the next event; `after` is the enrollment after it."""
        match event:
            case j.ContactEventAccepted():
                if event.applied:
                    time = None if event.time == format_time(event.at_ms) else event.time
                    self._fact(event, event.event_type, event.personal.data, event.hops, source=event.source, time=time)
            case j.ConsentChanged():  # whatever changed it: to hear of it twice changes nothing
                self._consent(event)
            case j.IncidentResolved():
                if event.resolution == "outcome":
                    self._known_seq = event.seq
            case _ if getattr(event, "enrollment_id", None) == self._id:
                self._take_own(event, self._one)
            case j.ContactChanged():  # another enrollment's change is news to this one
                self._fact(event, event.change, event.personal.data, event.hops, source="headrace")
        if after is not None and after.status not in CLOSED:
            self._one = after
            self._may_begin(event, after)

    def _may_begin(self, event: j.JournalEvent, after: Enrollment) -> None:
        action, awaited = after.action, awaited_by(after)
        if action is None or awaited is None or action.status != "requested":
            return
        if awaited not in self._ready_ms or isinstance(event, j.EnrollmentRepaired):
            self._ready_ms[awaited] = action.ready_at_ms

    def end(self, at_ms: int) -> None:
        """Nothing more is known: no attempt has come to an outcome, and a wait that was due is later than this."""
        one = self._one
        if one is None:
            return
        action, timer, awaited = one.action, one.timer, awaited_by(one)
        asked = action is not None and action.status == "unknown" and timer is not None
        if action is not None and (asked or action.status == "running"):
            self._open(action, action.attempt)
        elif awaited is None or one.paused_by == HOLDER:
            return
        elif action is not None:
            self._open(action, action.attempt + 1)
        elif timer is not None and timer.due_at_ms <= at_ms:
            self._was_late(awaited, kept_waiting(one, at_ms) + 1)

    def _open(self, action: PendingAction, attempt: int) -> None:
        self._outcomes.append(AttemptOutcome(step=action.step_id, visit=action.visit, attempt=attempt, outcome="open"))

    def _fact(self, event: j.JournalEvent, kind: str, data: dict[str, Any], hops: int, **said: Any) -> None:
        at_ms = event.at_ms - self._start_ms
        self.happens.append(Fact(at_ms=at_ms, type=kind, data=data, hops=hops, **said))

    def _consent(self, event: j.ConsentChanged) -> None:
        self.happens.append(
            Consent(
                at_ms=event.at_ms - self._start_ms,
                channel=event.channel,
                address=event.personal.address,
                allowed=event.allowed,
                reason=event.reason,
            )
        )

    def _wish(self, at_ms: int, what: str, how: str = "", **of_repair: Any) -> None:
        self.happens.append(Wish(at_ms=at_ms - self._start_ms, what=what, how=how, **of_repair))

    def _take_own(self, event: j.JournalEvent, before: Enrollment | None) -> None:
        match event:
            case j.DeliveryReported():
                self._delivery(event)
            case j.CommandResulted() if event.command_type == "enroll_contact":
                self._wish(event.at_ms, "enroll")
            case j.EnrollmentPaused():
                self._paused_at_ms = event.paused_at_ms
                self._wish(event.paused_at_ms, "pause")
            case j.EnrollmentResumed() if event.seq != self._repaired_seq + 1:
                self._resumed_seq = event.seq
                self._wish(self._paused_at_ms + event.shift_ms, "resume")
            case j.EnrollmentCancelled():
                self._wish(event.at_ms, "cancel", event.reason)
            case j.EnrollmentRetried() if event.seq not in (self._known_seq + 1, self._repaired_seq + 2):
                self._wish(event.at_ms, "retry", event.how)
            case j.EnrollmentRepaired():
                self._repaired_seq = event.seq
                self._wish(event.at_ms, "repair", event.how, step=event.step_id, visit=event.visit)
                self._came(before, event.at_ms, settled=True)
            case _:
                self._take_progress(event, before)

    def _take_progress(self, event: j.JournalEvent, before: Enrollment | None) -> None:
        match event:
            case j.EnrollmentHeld():
                self._came(before, event.at_ms, held=True)
            case j.StepSkipped() if event.reason == REPAIR:
                pass  # how late it was is told at the repair
            case j.ActionRequested() | j.SendHeld() | j.StepFailed() if _is_held(before):
                if event.seq - 1 not in (self._repaired_seq, self._resumed_seq):  # else it did not end by itself
                    self._came(before, event.at_ms)
            case j.StepCompleted() | j.StepSkipped():
                self._came(before, event.at_ms)
            case j.AttemptStarted():
                self._began_ms[Awaited(event.step_id, event.visit, event.attempt)] = event.at_ms
                self._came(before, event.at_ms)
            case j.AttemptSucceeded():
                fields: dict[str, Any] = {"provider_id": event.provider_id, "output": event.personal.output}
                self._outcome(event, "succeeded", **fields, state=event.personal.state)
            case j.AttemptFailed():
                self._outcome(event, "failed", code=event.code, message=event.personal.message, retry=event.retry_at_ms)
            case j.AttemptUnknown() if event.ask_at_ms is None:  # until then its outcome is open
                self._outcome(
                    event, "unknown", code=event.code, message=event.personal.message, retry=event.retry_at_ms
                )

    def _came(self, before: Enrollment | None, at_ms: int, *, held: bool = False, settled: bool = False) -> None:
        """What it waited for came: by itself, or because somebody settled it; what was held was told of then."""
        awaited = awaited_by(before) if before is not None else None
        if before is None or awaited is None or before.paused_by == HOLDER:
            return
        if before.action is None and awaited.attempt != HOLD and any(_what(one) == awaited for one, _ in self._late):
            return  # a wait ends once
        self._was_late(awaited, kept_waiting(before, at_ms), held=held, settled=held or settled)

    def _was_late(self, awaited: Awaited, late_ms: int, *, held: bool = False, settled: bool = False) -> None:
        step, visit, attempt = awaited
        late = Lateness(step=step, visit=visit, attempt=attempt, late_ms=late_ms, held=held)
        self._late.append((late, settled))

    def _delivery(self, event: j.DeliveryReported) -> None:
        self.happens.append(
            Delivery(
                at_ms=event.at_ms - self._start_ms,
                step=event.step_id,
                visit=event.visit,
                channel=event.channel,
                status=event.status,
                code=event.code,
            )
        )

    def _outcome(
        self,
        event: j.AttemptSucceeded | j.AttemptFailed | j.AttemptUnknown,
        outcome: str,
        *,
        retry: int | None = None,
        **fields: Any,
    ) -> None:
        attempt = Awaited(event.step_id, event.visit, event.attempt)
        self._outcomes.append(
            AttemptOutcome(
                step=event.step_id,
                visit=event.visit,
                attempt=event.attempt,
                after_ms=event.at_ms - self._began_ms[attempt],
                outcome=outcome,
                retry_after_ms=None if retry is None else retry - event.at_ms,
                **msgspec.to_builtins(fields),
            )
        )


def _is_held(one: Enrollment | None) -> bool:
    """Whether a message waits until it may go, and was not asked for yet."""
    return one is not None and one.action is None and one.timer is not None and one.timer.kind == "hold"


def _what(one: Lateness | AttemptOutcome) -> Awaited:
    return Awaited(one.step, one.visit, one.attempt)
