"""The aggregate: all that the engine knows of one contact, as folded from its journal events."""

import msgspec

from domain.consent import Suppression
from domain.contact import Contact
from domain.enrollment import Enrollment


class WorkflowHistory(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often a contact was enrolled in a workflow: ever, and in the rate guard's running window."""

    count: int = 0
    window_start_ms: int = 0
    window_count: int = 0


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keys of accepted inputs in two generations: each lives at least one retention period, at most two."""

    since_ms: int = 0
    current: frozenset[bytes] = frozenset()
    previous: frozenset[bytes] = frozenset()

    def __contains__(self, key: bytes) -> bool:
        return key in self.current or key in self.previous


class ContactState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that concerns one contact. It holds no offsets: the same journal gives the same bytes anywhere."""

    contact: Contact
    seq: int = 0
    """The seq of the last journal event that was applied; the next one is `seq + 1`."""
    enrollments: dict[str, Enrollment] = {}
    """Open enrollments, and closed ones whose last attempt is not settled yet."""
    history: dict[str, WorkflowHistory] = {}
    seen: Seen = Seen()
    last_sms_reply: str | None = None
    suppressions: tuple[Suppression, ...] = ()
    """Addresses that are not written to, in the order in which that was learned."""


class PartitionState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a partition knows beside its contacts, folded from the events under the reserved key."""

    seq: int = 0
    last_time_ms: int = 0
    fires_from_ms: int = 0
    """Input with an older broker timestamp builds contacts and fires no triggers."""
    catalogue_offset: int = 0
    """Definitions below this offset are in force."""
    reconciled_offset: int = 0
    """Definitions below this offset have reached every open enrollment of the partition."""
