"""A decision in the making: the events so far, and the state with all of them applied."""

from typing import Any, Final, TypeVar

import msgspec

from domain import journal as j
from domain.catalogue import Catalogue
from domain.enrollment import Enrollment
from domain.evolve import evolve
from domain.fields import Scope
from domain.ids import incident_id
from domain.state import ContactState

MAX_HOPS: Final = 16
"""How long a chain of changes that trigger workflows that change contacts may get."""
RATE_LIMIT: Final = 100
"""Enrollments of one contact in one workflow within the rate guard's window."""
MAX_STEPS_WITHOUT_WAIT: Final = 100
"""Steps that one enrollment may run without a wait (or twice its definition's length, if that is more)."""

E = TypeVar("E", bound=j.JournalEvent)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding may know beside the contact's state: the time, and the definitions in force."""

    now_ms: int
    catalogue: Catalogue
    hold_late_ms: int | None = None
    """A step that is later than this, and whose definition says nothing of lateness, is held for a person's word."""
    ask_after_ms: tuple[int, ...] = ()
    """When a provider is asked what became of an attempt whose outcome is unknown: after the attempt, and after each
    answer that it knows nothing of it. Empty: it is not asked."""
    answer_within_ms: int = 30_000
    """How long the answer to such a question is waited for."""
    phone_region: str | None = None
    """The country of phone numbers that name none."""


class Decision:
    """Collects the events that follow from one input, and applies each at once."""

    __slots__ = ("context", "events", "runnable", "state")

    def __init__(self, state: ContactState, context: Context) -> None:
        self.state = state
        self.context = context
        self.events: list[j.JournalEvent] = []
        self.runnable: list[str] = []
        """Ids of enrollments that may run on, in order."""

    def record(self, kind: type[E], **fields: Any) -> E:
        """Decide one event: give it its seq and time, and apply it."""
        state = self.state
        event = kind(seq=state.seq + 1, at_ms=self.context.now_ms, contact_id=state.contact.id, **fields)
        self.state = evolve(state, event)
        self.events.append(event)
        return event

    def on(self, kind: type[E], enrollment: Enrollment, **fields: Any) -> E:
        """Decide an event about an enrollment."""
        return self.record(kind, enrollment_id=enrollment.id, **fields)

    def on_visit(self, kind: type[E], enrollment: Enrollment, step_id: str, visit: int, **fields: Any) -> E:
        """Decide an event about one visit of a step."""
        return self.record(kind, enrollment_id=enrollment.id, step_id=step_id, visit=visit, **fields)

    def result(self, command_id: str, command_type: str, result: str, **fields: Any) -> j.CommandResulted:
        """Decide what a command came to."""
        return self.record(j.CommandResulted, command_id=command_id, command_type=command_type, result=result, **fields)

    def incident(
        self,
        code: str,
        message: str,
        *,
        enrollment: Enrollment | None = None,
        workflow_id: str | None = None,
        given: dict[str, Any] | None = None,
    ) -> None:
        """Stop and ask for a person; an enrollment that is given becomes `failed`."""
        self.record(
            j.IncidentOpened,
            incident_id=incident_id(self.state.contact.id, self.state.seq + 1),
            code=code,
            enrollment_id=enrollment.id if enrollment else None,
            workflow_id=enrollment.workflow_id if enrollment else workflow_id,
            step_id=enrollment.step_id if enrollment else None,
            personal=j.Message(message, given or {}),
        )

    def enrollment(self, enrollment_id: str) -> Enrollment | None:
        """The enrollment as it is now; None when it is closed and settled."""
        return self.state.enrollments.get(enrollment_id)

    def scope(self, enrollment: Enrollment | None = None, event: dict[str, Any] | None = None) -> Scope:
        """What conditions and templates may read now."""
        return Scope(
            contact=self.state.contact,
            now_ms=self.context.now_ms,
            enrollment=enrollment,
            event=enrollment.event if enrollment and event is None else event,
            last_sms_reply=self.state.last_sms_reply,
        )
