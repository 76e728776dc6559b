"""What the API needs of the log: to append, to look a record up, to know how far it reaches. Every `EventLog` offers it."""

from collections.abc import Sequence
from typing import Protocol

from schemas.event_log import Chunk, NewRecord


class CommandPort(Protocol):
    """The producing side of the log, and a look at what stands there."""

    async def append(self, records: Sequence[NewRecord]) -> Sequence[int]:
        """Append the records, all or nothing; returns the offset of each, once durable."""
        ...

    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next committed record will get."""
        ...

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on, without waiting."""
        ...
