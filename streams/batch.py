"""A batch: consecutive records of one partition, with the positions that let its taker check continuity."""

from typing import Final

import msgspec

from schemas.event_log import Record

_RECORD_BYTES: Final = 1_024
"""What a small record takes in memory as a Python object, about."""


class Batch(msgspec.Struct, frozen=True):
    """What was read of a partition in one go.

    `first` is the offset from which it was read and `next` where the following batch begins; the offsets of the
    records lie between them. A taker whose position is before `first` has missed something and seeks back.
    """

    topic: str
    partition: int
    first: int
    records: tuple[Record, ...]
    next: int

    @property
    def size(self) -> int:
        """The bytes of memory that it takes, about: what bounds how much is read ahead, be it many records or large ones."""
        return len(self.records) * _RECORD_BYTES + sum([len(record.value or b"") for record in self.records])
