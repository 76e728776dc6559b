"""What really became of the enrollments that a backtest simulates, as far as the journal was read."""

from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.backtest.rules import Outcomes
from domain.enrollment import Enrollment
from domain.evolve import evolve, initial

_OUTCOMES: Final = {j.AttemptSucceeded: "succeeded", j.AttemptFailed: "failed", j.AttemptUnknown: "unknown"}

E = TypeVar("E", j.EnrollmentRetried, j.EnrollmentCancelled, j.EnrollmentRepaired)


class Happened:
    """The real enrollments of the tested workflow in one contact, and those that their changes started.

    An enrollment whose cause is older than `since_ms` is none of them: it stands as it was.
    """

    __slots__ = ("_burst", "_changes", "_ids", "_since_ms", "_state", "_workflow_id", "outcomes")

    def __init__(self, contact_id: str, workflow_id: str, since_ms: int) -> None:
        self._workflow_id, self._since_ms = workflow_id, since_ms
        self._state = initial(contact_id)
        self._burst: Sequence[j.JournalEvent] = ()
        self._changes: set[int] = set()
        self._ids: set[str] = set()
        self.outcomes: Outcomes = {}
        """The last known outcome of each action."""

    def enrollment(self, enrollment_id: str) -> Enrollment | None:
        """The enrollment as it really is now; None when it never was, or is over and settled."""
        return self._state.enrollments.get(enrollment_id)

    @property
    def is_empty(self) -> bool:
        """Whether there never was such an enrollment."""
        return self._state.seq == 0

    def begin(self, burst: Sequence[j.JournalEvent]) -> None:
        """Consecutive events of the contact come next: whole decisions."""
        self._burst = burst
        self._changes.clear()

    def changes(self, enrollment_id: str, step_id: str, visit: int) -> list[int]:
        """The numbers of the changes that a visit makes in this burst, in order."""
        wanted = (enrollment_id, step_id, visit)
        found = (event for event in self._burst if type(event) is j.ContactChanged)
        return [event.seq for event in found if (event.enrollment_id, event.step_id, event.visit) == wanted]

    def following(self, command: j.CommandResulted, kind: type[E]) -> E | None:
        """The event about the command's enrollment that follows from it."""
        for event in self._burst:
            if event.seq > command.seq and isinstance(event, kind) and event.enrollment_id == command.enrollment_id:
                return event
        return None

    def concerns(self, event: j.JournalEvent, before: j.JournalEvent | None) -> bool:
        """Whether the event is about one of these enrollments, so that the simulation stands in its place.

        So is an end of consent that is learned of one of their messages; `before` is the event right before.
        """
        match event:
            case j.Enrolled():
                ours = event.workflow_id == self._workflow_id or event.cause_seq in self._changes
                return ours and event.at_ms >= self._since_ms
            case j.CommandResulted():
                return False
            case j.ConsentChanged():
                return isinstance(before, j.AttemptFailed | j.DeliveryReported) and before.enrollment_id in self._ids
            case j.DeliveryReported():  # it may come when the enrollment is long over
                return event.enrollment_id in self._ids
            case _:
                return getattr(event, "enrollment_id", None) in self._state.enrollments

    def apply(self, event: j.JournalEvent) -> None:
        """Take in an event that concerns them."""
        if type(event) is j.ContactChanged:  # of the enrollment, nothing changes
            self._changes.add(event.seq)
            return
        if isinstance(event, j.Enrolled):
            self._ids.add(event.enrollment_id)
        if type(event) in _OUTCOMES:
            report = report_of(event)  # type: ignore[arg-type]
            enrollment = self.enrollment(report.enrollment_id)
            if enrollment is not None and enrollment.action is not None:
                self.outcomes[report.action_key, enrollment.action.channel] = report
        self._state = evolve(replace(self._state, seq=event.seq - 1), event)


def report_of(event: j.AttemptSucceeded | j.AttemptFailed | j.AttemptUnknown) -> c.ReportOutcome:
    """The report that led to this outcome of an attempt."""
    report = c.ReportOutcome(
        command_id=f"backtest/{event.id}",
        contact_id=event.contact_id,
        enrollment_id=event.enrollment_id,
        action_key=event.action_key,
        attempt=event.attempt,
        outcome=_OUTCOMES[type(event)],
    )
    match event:
        case j.AttemptSucceeded():
            answer = event.personal
            return replace(report, provider_id=event.provider_id, output=answer.output, state=answer.state)
        case j.AttemptFailed():
            wait_ms = None if event.retry_at_ms is None else event.retry_at_ms - event.at_ms
            return replace(
                report,
                code=event.code,
                message=event.personal.message,
                retryable=event.retryable,
                given_back=event.given_back,
                retry_after_ms=wait_ms,
            )
        case _:
            return replace(report, question=event.question, code=event.code, message=event.personal.message)
