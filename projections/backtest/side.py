"""One side of a backtest: hears the events of its enrollments, and adds up their paths."""

from collections.abc import Callable
from typing import Final

import msgspec

from domain import journal as j
from domain.backtest.path import Path, Paths
from domain.backtest.tally import DateOf, Tally

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Path).decode


class SideTally:
    """Adds up one side of one partition; with `keep`, each contact's paths are kept, small, to be compared."""

    def __init__(self, workflow_id: str, date_of: DateOf, *, keep: bool) -> None:
        self._workflow_id, self._date_of, self._keep = workflow_id, date_of, keep
        self._paths = Paths(self._over)
        self._kept: dict[str, list[bytes]] = {}
        self._contacts: set[str] = set()
        self.tally = Tally()
        self.note: Callable[[j.JournalEvent], None] = self._note

    def _note(self, event: j.JournalEvent) -> None:
        if type(event) is j.TriggerSkipped:
            if event.workflow_id == self._workflow_id:
                self.tally.skipped[event.reason] = self.tally.skipped.get(event.reason, 0) + 1
        else:
            self._paths.note(event)

    def finish(self) -> Tally:
        """The tally, with what still waits."""
        self._paths.finish()
        self.tally.contacts = len(self._kept if self._keep else self._contacts)
        return self.tally

    def of_contact(self, contact_id: str) -> list[bytes]:
        """The contact's paths, in the order in which it was enrolled, each in bytes that are equal if they are."""
        return self._kept.get(contact_id, [])

    @property
    def contact_ids(self) -> set[str]:
        """The contacts that were enrolled, when they are kept."""
        return set(self._kept)

    def _over(self, contact_id: str, path: Path) -> None:
        if path.workflow_id != self._workflow_id:
            self.tally.add_started(path)
            return
        self.tally.add(path, self._date_of)
        if self._keep:
            self._kept.setdefault(contact_id, []).append(_encode(path))
        else:
            self._contacts.add(contact_id)


def read_paths(kept: list[bytes]) -> list[Path]:
    """The paths again, in the order in which the contact was enrolled."""
    return sorted(map(_decode, kept), key=lambda path: (path.enrolled_at_ms, path.enrollment_id))
