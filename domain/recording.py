"""Recording: what happened to one enrollment, as a workflow test that leads to the same path."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import journal as j
from domain.errors import HeadraceError
from domain.evolve import evolve, initial
from domain.lateness import REASON as LATE
from domain.path import first_divergence, path_of
from domain.rehearsal import rehearse
from domain.times import format_time
from domain.workflow import Workflow
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Fact, Happening, Lateness, Wish, WorkflowTest

_ENDS: Final = (j.EnrollmentCompleted, j.EnrollmentExited, j.EnrollmentCancelled)


class NotRecordable(HeadraceError):
    """What happened can't be told by a test of one version."""


def record(events: Sequence[j.JournalEvent], enrollment_id: str, workflow: Workflow) -> WorkflowTest:
    """The test of an enrollment; its rehearsal takes the recorded path, to the letter.

    Args:
        events: all of the contact's journal events, from its first on.
        enrollment_id: one of its enrollments.
        workflow: the version that it ran, compiled with the workflow's id.

    Raises:
        NotRecordable: the enrollment moved between versions, or its rehearsal takes another path.
        JournalGap: events are missing.
    """
    enrolled = next((e for e in events if isinstance(e, j.Enrolled) and e.enrollment_id == enrollment_id), None)
    if enrolled is None:
        raise NotRecordable(f"expected the enrollment {enrollment_id} among the contact's events, found none")
    test = _test(_window(events, enrolled), events, enrolled, workflow)
    plain = replace(test, late=())
    if first_divergence(test.expects, rehearse(plain, workflow)) is None:
        return plain
    found = first_divergence(test.expects, rehearse(test, workflow))
    if found is not None:
        raise NotRecordable(
            f"a rehearsal of what happened takes another path than the journal has, so it makes no test: {found.what}"
        )
    return test


def _window(events: Sequence[j.JournalEvent], enrolled: j.Enrolled) -> list[j.JournalEvent]:
    """From the event that led to the enrollment to the one that ended it, or the last one."""
    window: list[j.JournalEvent] = []
    for event in events:
        if event.seq >= enrolled.cause_seq:
            window.append(event)
        if isinstance(event, _ENDS) and event.enrollment_id == enrolled.enrollment_id:
            break
    return window


def _test(
    window: Sequence[j.JournalEvent], events: Sequence[j.JournalEvent], enrolled: j.Enrolled, workflow: Workflow
) -> WorkflowTest:
    state = initial(enrolled.contact_id)
    for event in events:
        if event.seq < enrolled.cause_seq:
            state = evolve(state, event)
    contact, history, start_ms = state.contact, state.history.get(enrolled.workflow_id), window[0].at_ms
    watched = _Watched(enrolled, start_ms)
    for event in window:
        watched.take(event)
    watched.end(window[-1].at_ms)
    return WorkflowTest(
        name=f"{contact.id} in {workflow.name}",
        workflow_id=enrolled.workflow_id,
        version=enrolled.version,
        starts_at_ms=start_ms,
        lasts_ms=window[-1].at_ms - start_ms,
        contact=contact,
        last_sms_reply=state.last_sms_reply,
        opted_out=tuple(
            Consent(channel=one.channel, address=one.address, reason=one.reason) for one in state.suppressions
        ),
        enrolled_before=history.count if history else 0,
        happens=tuple(watched.happens),
        outcomes=tuple(watched.all_outcomes()),
        late=tuple(watched.late),
        expects=path_of(window, enrolled.enrollment_id),
    )


class _Watched:
    """Sorts events into what came from outside (kept) and what the enrollment decided (which will be again)."""

    def __init__(self, enrolled: j.Enrolled, start_ms: int) -> None:
        self._enrolled, self._start_ms = enrolled, start_ms
        self.happens: list[Happening] = []
        self.late: list[Lateness] = []
        self._outcomes: list[AttemptOutcome] = []
        self._open: dict[tuple[str, int], int] = {}
        """(step, visit) -> attempt of what a provider has not answered."""
        self._began_ms: dict[tuple[str, int], int] = {}
        """When the last attempt of a visit could begin."""
        self._retry_ms: dict[tuple[str, int], int] = {}
        """When the visit's attempt is to be repeated."""
        self._retried_late_ms: dict[tuple[str, int], int] = {}
        """How late it was to be repeated, while the attempt has not begun."""
        self._due_ms: dict[tuple[str, int], int] = {}
        """When the visit's wait is due."""
        self._last: tuple[str, int, int] | None = None
        """(step, visit, attempt) of the last outcome."""
        self._paused_at_ms = start_ms
        self._known_at_last = False
        """Whether the next retry is the engine's own, of an outcome that became known after all."""

    def end(self, at_ms: int) -> None:
        """Nothing more is known: what was due before and did not come is later than this."""
        for (step, visit), due_ms in self._due_ms.items():
            if due_ms <= at_ms:
                self.late.append(Lateness(step=step, visit=visit, late_ms=at_ms - due_ms + 1))
        for key, late_ms in self._retried_late_ms.items():
            self._retry_later(key, late_ms)
        for key, retry_ms in self._retry_ms.items():
            if retry_ms <= at_ms:
                self._retry_later(key, at_ms - retry_ms + 1)

    def all_outcomes(self) -> list[AttemptOutcome]:
        """What each attempt came to, `open` where nothing did."""
        still_open = [
            AttemptOutcome(step=step, visit=visit, attempt=attempt, outcome="open")
            for (step, visit), attempt in self._open.items()
        ]
        return self._outcomes + still_open

    def take(self, event: j.JournalEvent) -> None:
        if isinstance(event, j.ContactEventAccepted):
            if event.applied:
                time = None if event.time == format_time(event.at_ms) else event.time
                self._fact(event, event.event_type, event.personal.data, event.hops, source=event.source, time=time)
        elif isinstance(event, j.ConsentChanged):  # whatever changed it: to hear of it twice changes nothing
            self.happens.append(
                Consent(
                    at_ms=event.at_ms - self._start_ms,
                    channel=event.channel,
                    address=event.personal.address,
                    allowed=event.allowed,
                    reason=event.reason,
                )
            )
        elif isinstance(event, j.IncidentResolved):
            self._known_at_last = event.resolution == "outcome"
        elif getattr(event, "enrollment_id", None) != self._enrolled.enrollment_id:
            if isinstance(event, j.ContactChanged):  # another enrollment's change is news to this one
                self._fact(event, event.change, event.personal.data, event.hops, source="headrace")
        else:
            self._take_own(event)

    def _fact(self, event: j.JournalEvent, kind: str, data: dict[str, Any], hops: int, **said: Any) -> None:
        at_ms = event.at_ms - self._start_ms
        self.happens.append(Fact(at_ms=at_ms, type=kind, data=data, hops=hops, **said))

    def _wish(self, at_ms: int, what: str, how: str = "") -> None:
        self.happens.append(Wish(at_ms=at_ms - self._start_ms, what=what, how=how))

    def _take_own(self, event: j.JournalEvent) -> None:
        match event:
            case j.EnrollmentMigrated():
                raise NotRecordable(
                    f"the enrollment went on in version {event.version}: a test is of one version, so it can't be recorded"
                )
            case j.EnrollmentHeld() | j.EnrollmentRepaired():
                raise NotRecordable(
                    "the enrollment was held as it was late, or repaired, which no test can say: it can't be recorded"
                )
            case j.DeliveryReported():
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
            case j.TimerSet():
                self._due_ms[event.step_id, event.visit] = event.due_at_ms
            case j.StepCompleted() | j.StepSkipped():
                due_ms = self._due_ms.pop((event.step_id, event.visit), event.at_ms)
                if isinstance(event, j.StepSkipped) and event.reason == LATE:  # of an action: its attempt came too late
                    key = (event.step_id, event.visit)
                    due_ms = min(due_ms, self._began_ms.get(key, due_ms) - self._retried_late_ms.pop(key, 0))
                if event.at_ms > due_ms:
                    late_ms = event.at_ms - due_ms
                    self.late.append(Lateness(step=event.step_id, visit=event.visit, late_ms=late_ms))
                self._open.pop((event.step_id, event.visit), None)
            case _:
                self._take_wish(event)
                self._take_action(event)

    def _take_wish(self, event: j.JournalEvent) -> None:
        match event:
            case j.CommandResulted(command_type="enroll_contact"):
                self._wish(event.at_ms, "enroll")
            case j.EnrollmentPaused():
                self._paused_at_ms = event.paused_at_ms
                self._wish(event.paused_at_ms, "pause")
            case j.EnrollmentResumed():
                self._wish(self._paused_at_ms + event.shift_ms, "resume")
                for due_ms in (self._due_ms, self._retry_ms):
                    due_ms.update({key: due + event.shift_ms for key, due in due_ms.items()})
            case j.EnrollmentCancelled():
                self._wish(event.at_ms, "cancel", event.reason)
            case j.EnrollmentRetried() if not self._known_at_last:
                self._wish(event.at_ms, "retry", event.how)
                if event.how == "again" and self._last is not None:
                    step, visit, attempt = self._last
                    self._ask((step, visit), attempt + 1, event.at_ms)

    def _take_action(self, event: j.JournalEvent) -> None:
        match event:
            case j.ActionRequested():
                self._ask((event.step_id, event.visit), 1, event.at_ms)
            case j.AttemptStarted():
                key = (event.step_id, event.visit)
                if late_ms := self._retried_late_ms.pop(key, 0):
                    self._retry_later(key, late_ms)
            case j.AttemptSucceeded():
                fields: dict[str, Any] = {"provider_id": event.provider_id, "output": event.personal.output}
                self._outcome(event, "succeeded", **fields, state=event.personal.state)
            case j.AttemptFailed():
                self._outcome(event, "failed", code=event.code, message=event.personal.message, retry=event.retry_at_ms)
            case j.AttemptUnknown():
                self._outcome(
                    event, "unknown", code=event.code, message=event.personal.message, retry=event.retry_at_ms
                )
            case j.RetryDue():
                key = (event.step_id, event.visit)
                self._retried_late_ms[key] = event.at_ms - self._retry_ms.pop(key, event.at_ms)
                self._ask(key, (self._last[2] if self._last else 0) + 1, event.at_ms)

    def _ask(self, key: tuple[str, int], attempt: int, at_ms: int) -> None:
        """An attempt may begin; a rehearsal has a slot for it at once, so its outcome is told from here on."""
        self._open[key] = attempt
        self._began_ms[key] = at_ms

    def _outcome(
        self,
        event: j.AttemptSucceeded | j.AttemptFailed | j.AttemptUnknown,
        outcome: str,
        *,
        retry: int | None = None,
        **fields: Any,
    ) -> None:
        self._last = (event.step_id, event.visit, event.attempt)
        key = (event.step_id, event.visit)
        self._open.pop(key, None)
        if retry is not None:
            self._retry_ms[key] = retry
        began_ms = self._began_ms[key]
        self._outcomes.append(
            AttemptOutcome(
                step=event.step_id,
                visit=event.visit,
                attempt=event.attempt,
                after_ms=event.at_ms - began_ms,
                outcome=outcome,
                retry_after_ms=None if retry is None else retry - event.at_ms,
                **msgspec.to_builtins(fields),
            )
        )

    def _retry_later(self, key: tuple[str, int], late_ms: int) -> None:
        """The attempt was repeated later than it was due: its last outcome says when."""
        for index in range(len(self._outcomes) - 1, -1, -1):
            one = self._outcomes[index]
            if (one.step, one.visit) == key:
                self._outcomes[index] = replace(one, retry_after_ms=(one.retry_after_ms or 0) + late_ms)
                return
