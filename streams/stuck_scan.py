"""Looking through one partition's store for what is stuck, a little at a time.

What is late by the clock is found at once, by the store's own indexes. What waits for nothing at all is in no index:
for that all contacts with an open enrollment are walked through, again and again, a slice at each look.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import structlog

from domain.stuck import Finding, Patience, stuck
from streams.store import Store

SLICE: Final = 100
"""Contacts that the walk takes on at each look: about a millisecond's worth."""
MOST: Final = 1_000
"""Contacts that are looked at for one reason; a count that reaches it means that many or more."""
_LOGGED: Final = 10
_log = structlog.get_logger(__name__)


class StuckScan:
    """The looks at one partition. It reads what is committed, and changes nothing."""

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store, self._patience = store, patience
        self._after = ""
        """How far the walk over open contacts has got."""
        self._found: dict[str, Finding] = {}
        """What was found at the last look, by enrollment."""

    @property
    def findings(self) -> Iterable[Finding]:
        """What is stuck, as far as is known."""
        return self._found.values()

    @property
    def counts(self) -> Counter[str]:
        """How many enrollments are stuck, by reason."""
        return Counter(finding.reason for finding in self._found.values())

    def look(self, now_ms: int) -> None:
        """Look at what is late, at what was found before, and at the next slice of the walk."""
        store, patience = self._store, self._patience
        contacts = set(store.due(now_ms - patience.timer_ms, MOST))
        for channel in store.waiting_channels():
            contacts.update(contact_id for contact_id, _ in store.waiting(channel, MOST))
        known = {finding.contact_id for finding in self._found.values()}
        walked = store.open_contacts(self._after, SLICE)
        self._after = walked[-1] if len(walked) == SLICE else ""
        before, self._found = self._found, {}
        for contact_id in contacts.union(known, walked):
            for finding in stuck(store.get(contact_id), now_ms, patience):
                self._found[finding.enrollment_id] = finding
        self._tell([finding for id_, finding in self._found.items() if id_ not in before])

    def _tell(self, new: list[Finding]) -> None:
        for finding in new[:_LOGGED]:
            _log.warning(
                "enrollment.stuck",
                reason=finding.reason,
                enrollment_id=finding.enrollment_id,
                workflow_id=finding.workflow_id,
                step_id=finding.step_id,
                since_ms=finding.since_ms,
            )
        if len(new) > _LOGGED:
            _log.warning("enrollment.stuck", more=len(new) - _LOGGED)
