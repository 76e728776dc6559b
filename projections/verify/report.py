"""What a verification tells: partition by partition, and the differences by name."""

from typing import Final

import msgspec

from projections.verify.differences import Difference

NAMED: Final = 20
"""Contacts of a partition whose differences are named, at most; all are counted."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison at one journal offset: the hash that the fold gives, and the one of what is there."""

    offset: int
    expected: str
    found: str
    ok: bool
    """Whether they are one (and, of a store, whether its timers and waiting actions fit its contacts)."""


class Differing(msgspec.Struct, frozen=True):
    """What a comparison contact by contact found.

    `contacts` without any `named`: the journal gives what is there, so it is the ledger that is wrong.
    """

    contacts: int = 0
    named: tuple[Difference, ...] = ()

    @property
    def is_of_the_ledger(self) -> bool:
        """Whether the difference is one of the ledger alone."""
        return self.contacts > 0 and not self.named


class PartitionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One partition."""

    partition: int
    ok: bool
    events: int
    """Journal events up to the offset that was verified, and how many of them had to be folded this time."""
    folded: int
    contacts: int
    read_side: Compared | None = None
    store: Compared | None = None
    store_note: str | None = None
    """Why there is no comparison with a store."""
    differing: int = 0
    """Contacts that differ."""
    differences: tuple[Difference, ...] = ()


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it; `differences` begins with the first one, and does not name more than a few a partition."""

    ok: bool
    seconds: float
    events: int
    folded: int
    contacts: int
    differing: int
    differences: tuple[Difference, ...]
    partitions: tuple[PartitionReport, ...]
