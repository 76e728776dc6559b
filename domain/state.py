"""The aggregate: all that the engine knows of one contact, as folded from its journal events."""

from typing import Final

import msgspec

from domain.consent import Suppression
from domain.contact import Contact
from domain.enrollment import Enrollment
from domain.frequency import Sent


class WorkflowHistory(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How often a contact was enrolled in a workflow: ever, and in the rate guard's running window."""

    count: int = 0
    window_start_ms: int = 0
    window_count: int = 0


SEEN_KEY_BYTES: Final = 16
"""The length of the key of a remembered input."""


class Seen(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Keys of accepted inputs in two generations: each lives at least one retention period, at most two.

    A generation is its keys in order of arrival, one after the other in one byte string. A set would be made anew for
    each input, and sorted each time that it is stored; to append to bytes, to search them and to store them is one pass
    over memory (a contact of 20,000 inputs a month: 0.05 ms to search, 0.2 ms to encode; a set took 10 ms).
    """

    since_ms: int = 0
    current: bytes = b""
    previous: bytes = b""

    def __contains__(self, key: bytes) -> bool:
        return _holds(self.current, key) or _holds(self.previous, key)

    def __len__(self) -> int:
        return (len(self.current) + len(self.previous)) // SEEN_KEY_BYTES


def _holds(generation: bytes, key: bytes) -> bool:
    at = generation.find(key)
    while at % SEEN_KEY_BYTES and at > 0:  # the end of one key and the start of the next: chance, but not a hit
        at = generation.find(key, at + 1)
    return at >= 0


class ContactState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
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
    sent: tuple[Sent, ...] = ()
    """The last messages, in order of time."""


class PartitionState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a partition knows beside its contacts, folded from the events under the reserved key."""

    seq: int = 0
    last_time_ms: int = 0
    fires_from_ms: int = 0
    """Input with an older broker timestamp builds contacts and fires no triggers."""
    catalogue_offset: int = 0
    """Definitions below this offset are in force."""
    paused: dict[str, str] = {}
    """Channels whose provider is down, as the partition's owner told, and the incident about each."""
    reconciled_offset: int = 0
    """Definitions below this offset have reached every open enrollment of the partition."""
