"""A contact as the verifier folds it: the engine's state, and what the read side keeps although the state lets it go."""

from typing import Any, Final

import msgspec

from domain import journal as j
from domain.enrollment import Enrollment
from domain.evolve import evolve
from domain.state import ContactState
from projections.verify.digest import add, digest_row
from projections.verify.expected import (
    ContactRow,
    Ended,
    EnrollmentRow,
    expected_contact,
    expected_enrollment,
    open_rows,
)

_ACCEPTED: Final = j.ContactEventAccepted
_ENDS: Final[dict[type[j.JournalEvent], str]] = {
    j.EnrollmentCompleted: "completed",
    j.EnrollmentExited: "exited",
    j.EnrollmentCancelled: "cancelled",
}


class Folded(msgspec.Struct, gc=False):
    """One contact. It changes in place, since thousands of them are folded at a time and nobody shares one."""

    state: ContactState
    row_seq: int = 0
    """The seq of the last event that changed the contact's row."""
    ended: dict[str, Ended] = {}
    """Enrollments that ended while an attempt was open: the state has them until that is settled."""
    settled: list[EnrollmentRow] = []
    """Rows of enrollments that the state has let go of: nothing changes them any more."""
    settled_digest: int = 0
    """The sum over rows that were settled before, and are not in `settled`."""

    def fold(self, event: j.JournalEvent) -> None:
        """Apply one event.

        Raises:
            JournalGap: the event is not the next one of this contact.
            InvalidTransition: the event contradicts the transition table.
        """
        before = self.state
        after = self.state = evolve(before, event)
        kind = type(event)
        if after.contact is not before.contact or (kind is _ACCEPTED and _is_reply(event)):
            self.row_seq = event.seq
        if kind in _ENDS or len(after.enrollments) < len(before.enrollments):
            self._settle(event, before, after)

    def _settle(self, event: Any, before: ContactState, after: ContactState) -> None:
        """Keep the row of an enrollment that the event has ended, or has settled after its end."""
        enrollment_id = event.enrollment_id
        status = _ENDS.get(type(event))
        if status is not None:
            self.ended[enrollment_id] = Ended(status, event.at_ms, getattr(event, "reason", None))
        if enrollment_id not in after.enrollments:
            last = _last(before.enrollments[enrollment_id], event)
            self.settled.append(expected_enrollment(before.contact.id, last, self.ended.pop(enrollment_id)))

    def contact_row(self) -> ContactRow:
        """What the read side must show of the contact itself."""
        return expected_contact(self.state, self.row_seq)

    def enrollment_rows(self) -> list[EnrollmentRow]:
        """What it must show of the enrollments: those in the state, and those that were settled since `forget`."""
        if not self.state.enrollments:
            return self.settled
        unsettled = [
            expected_enrollment(self.state.contact.id, self.state.enrollments[id_], ended)
            for id_, ended in self.ended.items()
        ]
        return [*open_rows(self.state), *unsettled, *self.settled]

    def forget_settled(self) -> None:
        """Keep the settled rows as a sum alone, for there may be any number of them."""
        if self.settled:
            self.settled_digest = add([self.settled_digest, *map(digest_row, self.settled)])
            self.settled.clear()

    def shown_digest(self) -> int:
        """The sum of the digests of all rows that the read side must show."""
        return add([self.settled_digest, digest_row(self.contact_row()), *map(digest_row, self.enrollment_rows())])


def _is_reply(event: Any) -> bool:
    return bool(event.applied and event.event_type == "contact.sms_received")


def _last(enrollment: Enrollment, event: j.JournalEvent) -> Enrollment:
    """The enrollment with what its last event brought, which `evolve` had no place for."""
    if isinstance(event, j.AttemptSucceeded) and event.personal.state is not None:
        return msgspec.structs.replace(enrollment, state=event.personal.state)
    return enrollment
