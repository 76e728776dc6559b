"""What the API needs of others: the log (every `EventLog` offers it), and somebody who does jobs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

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

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The input position that was last committed for the group; None when there is none."""
        ...


class JobPort(Protocol):
    """Who does long work over the log."""

    def run(self, kind: str, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """The job's messages, a line of JSON each (`type`: progress, report or failure); closing it ends the job.

        Raises:
            HeadraceError: no more jobs are taken at the moment.
        """
        ...
