"""A batch: consecutive records of one partition, with the positions that let its taker check continuity."""

import msgspec

from schemas.event_log import Record


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
