"""The projector: keeps the read side up to date with the journal, the definitions and the dead letters."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import psycopg
import structlog

from projections import checkpoints
from projections.batch import Batch, Events, decode_batch, read_batch, sources_of
from projections.checkpoints import Source
from projections.errors import CheckpointConflict, DatabaseUnreachable, ProjectionError
from projections.metrics import ProjectionMetrics
from projections.projecting import Connection, project, projecting_connection
from schemas.event_log import EventLog
from schemas.topics import JOURNAL

log = structlog.get_logger()

PROGRESS_CHANNEL: Final = "headrace_progress"
"""Notified with each commit, so that who waits for a write of theirs need not poll."""
NOTIFY: Final = b"NOTIFY headrace_progress"

WAIT_SECONDS: Final = 60.0
FIRST_DELAY_SECONDS: Final = 0.1
LONGEST_DELAY_SECONDS: Final = 5.0

_TRANSIENT: Final = (
    DatabaseUnreachable,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # for a while after a failover
)
_T = TypeVar("_T")


class Projector:
    """Reads from the checkpoints, folds a batch to its final rows, and writes rows and checkpoints together.

    Folding and writing happen in a thread of its own, so that the event loop stays free for others.
    """

    def __init__(
        self,
        event_log: EventLog,
        database_url: str,
        *,
        name: str = "projector",
        batch_size: int = 10_000,
        metrics: ProjectionMetrics | None = None,
    ) -> None:
        """Make one; nothing happens before `run`.

        Args:
            event_log: what to read.
            database_url: a database that was migrated.
            name: how the database's own views and our log call it.
            batch_size: about how many records to project at once, when so many are waiting.
            metrics: what is told of each batch; None: nobody asks.
        """
        self._log, self._url, self._name, self._batch_size = event_log, database_url, name, batch_size
        self._metrics = metrics or ProjectionMetrics()
        self._connection: Connection | None = None
        self._checkpoints: dict[Source, int] = {}
        self._names: dict[tuple[str, int], str] = {}
        self.trouble: str | None = None
        """The kind of error that keeps it from projecting just now; it tries again."""
        self._stopping = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    @property
    def checkpoints(self) -> Mapping[Source, int]:
        """The offset of the next record to be projected, of each topic and partition."""
        return self._checkpoints

    async def run(self) -> None:
        """Project until `stop`; a database that goes away is waited for.

        Raises:
            UnreadableRecord: a record can't be decoded or folded; all before it is projected.
            ProjectionError: the database was not migrated.
        """
        delay = FIRST_DELAY_SECONDS
        try:
            while not self._stopping.is_set():
                try:
                    await self._open()
                    while not self._stopping.is_set():
                        await self._pass()
                        delay = FIRST_DELAY_SECONDS
                except CheckpointConflict as conflict:
                    log.warning("projector.checkpoint_conflict", projector=self._name, reason=str(conflict))
                    await self._in_thread(self._close)
                except _TRANSIENT as error:
                    self.trouble = type(error).__name__
                    log.warning("projector.database_lost", projector=self._name, error=str(error), retry_s=delay)
                    await self._in_thread(self._close)
                    await self._sleep(delay)
                    delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        finally:
            await asyncio.shield(self._in_thread(self._close))
            self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Let `run` end once the batch in hand is committed."""
        self._stopping.set()

    async def _open(self) -> None:
        partitions = await self._log.partitions(JOURNAL)
        sources = await sources_of(self._log)
        self._checkpoints = await self._in_thread(lambda: self._connect(sources, partitions))
        log.info("projector.started", projector=self._name, partitions=partitions)

    async def _pass(self) -> None:
        """Project what is there, or wait for more."""
        batch = await read_batch(self._log, self._checkpoints, size=self._batch_size)
        if batch.empty:
            self.trouble = None
            await self._until_stopped(self._log.wait(batch.seen, timeout=WAIT_SECONDS))
            return
        began = time.monotonic()
        events = await self._in_thread(lambda: self._project(batch))
        self.trouble = None
        self._metrics.projected(events.counts, time.monotonic() - began)
        self._checkpoints.update({source: now for source, (_, now) in events.moves.items()})
        if events.unreadable is not None:
            raise events.unreadable

    # ------------------------------------------------------------ in the thread

    def _connect(self, sources: list[Source], partitions: int) -> dict[Source, int]:
        connection = projecting_connection(self._url, application_name=f"headrace {self._name}")
        self._connection = connection
        try:
            with connection.transaction(), connection.cursor() as cursor:
                checkpoints.prepare(cursor, sources, partitions)
                found = checkpoints.read(cursor)
        except psycopg.errors.UndefinedTable as error:
            message = "expected the read side's tables in the database, found none: migrate it first"
            raise ProjectionError(message) from error
        return {source: found[source] for source in sources}

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _project(self, batch: Batch) -> Events:
        assert self._connection is not None, "the connection is opened first"
        events = decode_batch(batch, self._checkpoints)
        if not events.moves:
            return events
        with self._connection.transaction(), self._connection.cursor() as cursor:
            project(cursor, events, self._names)
            cursor.execute(NOTIFY)
        return events

    # ------------------------------------------------------------ waiting

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _sleep(self, seconds: float) -> None:
        await self._until_stopped(asyncio.sleep(seconds))

    async def _until_stopped(self, waiting: Any) -> None:
        """Wait, but not beyond `stop`."""
        work, stop = asyncio.ensure_future(waiting), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            work.cancel()
            stop.cancel()
            await asyncio.gather(work, stop, return_exceptions=True)
