"""The newest records of a partition that is followed, in memory, so that who reads along never asks a broker."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

from schemas.event_log import Chunk, Record
from streams.kafka.reader import CHUNK_BYTES
from streams.kafka.records import size_of

KEEP_BYTES: Final = 1024 * 1024
"""So much stays after it was read, for another reader."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""With so much unread the partition is followed no longer: its reader is behind, and reads by itself better."""

_offset_of = attrgetter("offset")


class Window:
    """All committed records with offsets from `start` to before `next`."""

    def __init__(self, start: int, generation: int) -> None:
        self.start = self.next = start
        self.generation = generation
        self.stopped = False
        """Nothing is added any more."""
        self._records: list[Record] = []
        self._sizes: list[int] = []
        """Of each record, so that it is counted once."""
        self._bytes = 0
        self._read_to = start

    def covers(self, offset: int) -> bool:
        """Whether the window can say what stands at `offset`, or will soon."""
        return self.start <= offset <= self.next and not (self.stopped and offset == self.next)

    def holds(self, offset: int) -> bool:
        """Whether a record at or after `offset` is here."""
        return bool(self._records) and self._records[-1].offset >= offset

    def add(self, records: Sequence[Record], end: int | None) -> None:
        """Take what was read next, and the partition's end if it was reached."""
        fresh = [record for record in records if record.offset >= self.next]
        if fresh:
            sizes = list(map(size_of, fresh))
            self._records += fresh
            self._sizes += sizes
            self._bytes += sum(sizes)
            self.next = fresh[-1].offset + 1
        if end is not None and end > self.next:
            self.next = end
        if self._bytes > KEEP_BYTES:
            self._forget()

    @property
    def is_full(self) -> bool:
        """Whether too much is unread."""
        return self._bytes > MAX_BYTES

    def read(self, offset: int, limit: int) -> Chunk:
        """Up to `limit` records from `offset` on, which is covered."""
        first = bisect_left(self._records, offset, key=_offset_of)
        last, size = first, 0
        for record_size in islice(self._sizes, first, first + limit):
            if size >= CHUNK_BYTES:
                break
            size += record_size
            last += 1
        following = self.next if last == len(self._records) else self._records[last - 1].offset + 1
        self._read_to = max(self._read_to, following)
        return Chunk(self._records[first:last], following)

    def _forget(self) -> None:
        """Drop the oldest of what was read."""
        count = 0
        for record, size in zip(self._records, self._sizes, strict=True):
            if self._bytes <= KEEP_BYTES or record.offset >= self._read_to:
                break
            self._bytes -= size
            self.start = record.offset + 1
            count += 1
        del self._records[:count], self._sizes[:count]
