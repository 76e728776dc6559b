"""Loading: the tables of one schema brought from their checkpoints forward, by this process."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from psycopg import sql

from projections import checkpoints
from projections.batch import Batch, decode_batch
from projections.checkpoints import Source
from projections.projecting import project, projecting_connection
from projections.rebuild.plan import Plan
from projections.rebuild.span import read_span
from schemas.event_log import LogReader, Record
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL

BATCH: Final = 20_000
"""Records in one transaction: the more, the more lives lie within one batch, whose rows are then written once."""
APPLICATION: Final = "headrace rebuild"
_SEARCH_PATH: Final = sql.SQL("SET search_path TO {}")
_BY_INDEX: Final = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
"""A table that grows from nothing has no statistics: without this, some batches read all of it to find their rows."""


class Loader:
    """Reads each source from its checkpoint to a bound and projects it, with the next batch being read meanwhile."""

    def __init__(self, log: LogReader, database_url: str, schema: str, plan: Plan, *, batch_size: int = BATCH) -> None:
        self._log, self._plan, self._batch_size = log, plan, batch_size
        self._connection = projecting_connection(database_url, application_name=APPLICATION)
        self._connection.execute(_SEARCH_PATH.format(sql.Identifier(schema)))
        self._connection.execute(_BY_INDEX)
        self._names: dict[tuple[str, int], str] = {}

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def checkpoints(self) -> dict[Source, int]:
        """The offset of the next record to be projected, of each source."""
        with self._connection.cursor() as cursor:
            return checkpoints.read(cursor)

    async def load(self, sources: Iterable[Source], bounds: Mapping[Source, int]) -> None:
        """Project each source up to its bound; where the log ends before, up to there.

        Raises:
            UnreadableRecord: a record can't be decoded or folded; all before it is projected.
        """
        found = await asyncio.to_thread(self.checkpoints)
        for source in sources:
            if not self._plan.reads(source[0]):
                await asyncio.to_thread(self._pass_over, source, found[source], bounds[source])
            else:
                await self._load(source, found[source], bounds[source])

    async def _load(self, source: Source, start: int, stop: int) -> None:
        reading = asyncio.ensure_future(self._read(source, start, stop))
        try:
            while records := await reading:
                behind = records[-1].offset + 1
                reading = asyncio.ensure_future(self._read(source, behind, stop))
                await asyncio.to_thread(self._project, source, start, records)
                start = behind
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, source: Source, start: int, stop: int) -> Sequence[Record]:
        return await read_span(self._log, source, start, stop, size=self._batch_size)

    def _project(self, source: Source, start: int, records: Sequence[Record]) -> None:
        batch = _BATCHES[source[0]](records)
        events = decode_batch(batch, {source: start})
        if events.moves:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                project(cursor, events, self._names, self._plan.folds)
        if events.unreadable is not None:
            raise events.unreadable

    def _pass_over(self, source: Source, start: int, stop: int) -> None:
        if start < stop:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                checkpoints.move(cursor, {source: (start, stop)})


_BATCHES: Final[Mapping[str, Any]] = {
    JOURNAL: lambda records: Batch(journal=[records]),
    DEFINITIONS: lambda records: Batch(definitions=records),
    DEAD_LETTERS: lambda records: Batch(dead_letters=records),
}
