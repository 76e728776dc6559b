"""An enrollment's path: the steps that it visited, when, and what came of each. Real and simulated ones look the same."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

import msgspec

from domain import journal as j
from domain.backtest.sms_parts import sms_parts


class Visit(msgspec.Struct, kw_only=True, array_like=True):
    """One visit of a step."""

    step_id: str
    kind: str
    visit: int
    at_ms: int
    """When it was entered."""
    status: str = "waiting"
    """`waiting`, `completed`, `skipped` or `failed`."""
    done_ms: int | None = None
    branch: str | None = None
    channel: str | None = None
    content: int = 0
    """A hash of what was sent or changed, so that two visits can be compared without keeping personal data."""
    parts: int = 0
    """Of a text message: how many it is billed as."""
    outcome: str | None = None
    """Of its last attempt: `succeeded`, `failed` or `unknown`; None when none was started or answered yet."""
    outcome_ms: int | None = None
    code: str | None = None
    """Why it failed or was skipped."""


class Path(msgspec.Struct, kw_only=True, array_like=True):
    """One enrollment."""

    enrollment_id: str
    workflow_id: str
    trigger_type: str
    enrolled_at_ms: int
    end: str = "waiting"
    """`completed`, `exited`, `cancelled`, `failed` (it needs a person), or `waiting`."""
    ended_ms: int | None = None
    reason: str | None = None
    visits: list[Visit] = []


class Paths:
    """Makes paths of the events of enrollments; each that is over is handed on."""

    def __init__(self, over: Callable[[str, Path], None]) -> None:
        """Make none yet.

        Args:
            over: gets the contact id and the path.
        """
        self._over = over
        self._open: dict[str, _OpenPath] = {}

    def note(self, event: j.JournalEvent) -> None:
        """Take an event in."""
        if type(event) is j.Enrolled:
            self._open[event.enrollment_id] = _OpenPath(event)
            return
        path = self._open.get(getattr(event, "enrollment_id", None) or "")
        if path is not None and (case := _CASES.get(type(event))) is not None:
            case(path, event)
            if path.is_over:
                del self._open[path.path.enrollment_id]
                self._over(path.contact_id, path.path)

    def finish(self) -> None:
        """Hand on those that still wait."""
        for path in self._open.values():
            self._over(path.contact_id, path.path)
        self._open.clear()


class _OpenPath:
    """A path that may go on, with its visits by step and number."""

    __slots__ = ("attempt_is_open", "contact_id", "path", "visits")

    def __init__(self, event: j.Enrolled) -> None:
        self.contact_id = event.contact_id
        self.path = Path(
            enrollment_id=event.enrollment_id,
            workflow_id=event.workflow_id,
            trigger_type=event.trigger_type,
            enrolled_at_ms=event.at_ms,
        )
        self.visits: dict[tuple[str, int], Visit] = {}
        self.attempt_is_open = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it."""
        return self.path.ended_ms is not None and self.path.end != "failed" and not self.attempt_is_open

    def visit(self, event: Any, kind: str = "") -> Visit:
        """The visit that an event is about; it begins with its first event."""
        key = (event.step_id, event.visit)
        found = self.visits.get(key)
        if found is None:
            found = self.visits[key] = Visit(step_id=event.step_id, kind=kind, visit=event.visit, at_ms=event.at_ms)
            self.path.visits.append(found)
        found.kind = found.kind or kind
        return found

    def end(self, event: j.JournalEvent, end: str, reason: str | None = None) -> None:
        path = self.path
        path.end, path.ended_ms, path.reason = end, event.at_ms, reason


def _waits(path: _OpenPath, event: j.TimerSet | j.EventAwaited) -> None:
    path.visit(event, event.step_type).status = "waiting"


def _send_held(path: _OpenPath, event: j.SendHeld) -> None:
    path.visit(event, event.step_type).status = "waiting"


def _action_requested(path: _OpenPath, event: j.ActionRequested) -> None:
    visit = path.visit(event, event.step_type)
    request = event.personal.request
    visit.status, visit.channel, visit.content = "waiting", event.channel, _hash(request)
    if event.channel == "sms":
        visit.parts = sms_parts(str(request.get("body", "")))


def _contact_changed(path: _OpenPath, event: j.ContactChanged) -> None:
    visit = path.visit(event)
    visit.content = _hash([visit.content, event.change, event.personal.data])


def _done(status: str) -> Callable[[_OpenPath, Any], None]:
    def done(path: _OpenPath, event: j.StepCompleted | j.StepSkipped | j.StepFailed) -> None:
        visit = path.visit(event, event.step_type)
        visit.status, visit.done_ms = status, event.at_ms
        visit.branch = getattr(event, "branch", None)
        visit.code = getattr(event, "code", None) or getattr(event, "reason", None)

    return done


def _attempt_started(path: _OpenPath, event: j.AttemptStarted) -> None:
    path.attempt_is_open = True
    path.visit(event).outcome = None


def _attempt_ended(outcome: str) -> Callable[[_OpenPath, Any], None]:
    def ended(path: _OpenPath, event: Any) -> None:
        path.attempt_is_open = False
        visit = path.visit(event)
        visit.outcome, visit.outcome_ms = outcome, event.at_ms

    return ended


def _incident(path: _OpenPath, event: j.IncidentOpened) -> None:
    path.end(event, "failed", event.code)


def _retried(path: _OpenPath, _: j.EnrollmentRetried) -> None:
    path.path.end, path.path.ended_ms, path.path.reason = "waiting", None, None


def _ended(end: str) -> Callable[[_OpenPath, Any], None]:
    return lambda path, event: path.end(event, end, getattr(event, "reason", None))


_CASES: Final[dict[type[j.JournalEvent], Callable[[_OpenPath, Any], None]]] = {
    j.TimerSet: _waits,
    j.EventAwaited: _waits,
    j.SendHeld: _send_held,
    j.ActionRequested: _action_requested,
    j.ContactChanged: _contact_changed,
    j.StepCompleted: _done("completed"),
    j.StepSkipped: _done("skipped"),
    j.StepFailed: _done("failed"),
    j.AttemptStarted: _attempt_started,
    j.AttemptSucceeded: _attempt_ended("succeeded"),
    j.AttemptFailed: _attempt_ended("failed"),
    j.AttemptUnknown: _attempt_ended("unknown"),
    j.IncidentOpened: _incident,
    j.EnrollmentRetried: _retried,
    j.EnrollmentCompleted: _ended("completed"),
    j.EnrollmentExited: _ended("exited"),
    j.EnrollmentCancelled: _ended("cancelled"),
}
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def _hash(content: Any) -> int:
    return int.from_bytes(blake2b(_encode(content), digest_size=7).digest())
