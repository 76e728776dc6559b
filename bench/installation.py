"""An installation for one benchmark: a log with definitions and inputs, the engine and the read side, in one process.

The parts are put together by `headrace.embedded_runtime`, as `headrace dev` has them; only the HTTP API is left out.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bench.machine import cpu_of_family
from bench.workflows import Document, published
from domain.action import ActionRegistry, ActionResult, WorkflowAction
from headrace.embedded_runtime import embedded_log, engine
from headrace.engine_clock import EngineClock
from headrace.interpreter import tune_interpreter
from headrace.logging import configure_logging
from headrace.metrics import RoleMetrics
from headrace.settings import Settings, load_settings
from projections.migrations import migrate
from projections.postgres import EmbeddedPostgres
from projections.postgres.postmaster import read_postmaster
from projections.projector import Projector
from schemas.event_log import EventLog
from schemas.topics import CONTACT_EVENTS, JOURNAL
from streams.partition_settings import GROUP

COMPLETED = "SELECT count(*) FROM workflow_enrollments WHERE status = 'completed'"
LIMIT_S = 60.0
"""How long a benchmark waits for the engine before it gives up."""
POLL_S = 0.01


class SucceedsAtOnce(WorkflowAction):
    """A provider in this process that takes every message without waiting."""

    action_type = "send_sms"
    channel = "sms"

    async def execute(self, contact: Any, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:  # noqa: ARG002
        """Take the message."""
        return ActionResult.succeeded({"status": "queued"}, provider_id="SM1")


class Opened(NamedTuple):
    """When the engine began to open: the wall's clock, and this process's processor seconds."""

    at: float
    cpu_s: float


class Installation:
    """The log, opened, with its definitions; `running()` is the engine at work."""

    def __init__(self, settings: Settings, clock: EngineClock, log: EventLog) -> None:
        self.settings, self.clock, self.log = settings, clock, log
        self._crash: BaseException | None = None

    @property
    def partitions(self) -> int:
        """How many there are."""
        return self.settings.partitions

    @contextlib.asynccontextmanager
    async def running(self, actions: ActionRegistry | None = None) -> AsyncIterator[Opened]:
        """The engine, from opening the partitions to a clean stop; without `actions`, every SMS succeeds at once."""
        if actions is None:
            actions = ActionRegistry()
            actions.register(SucceedsAtOnce())
        opened = Opened(time.perf_counter(), time.process_time())
        async with engine(self.settings, self.log, self.clock, actions, self._crashed, RoleMetrics("bench")):
            yield opened

    def _crashed(self, error: BaseException) -> None:
        self._crash = self._crash or error

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str, *, seconds: float = LIMIT_S) -> None:
        """Wait until it holds; what the engine or the time says against it ends the benchmark."""
        deadline = time.monotonic() + seconds
        while not await holds():
            if self._crash is not None:
                raise self._crash
            if time.monotonic() > deadline:
                message = f"waited {seconds:g} s for {what}"
                raise TimeoutError(message)
            await asyncio.sleep(POLL_S)

    async def journal_ends(self) -> dict[tuple[str, int], int]:
        """The next offset of each of the journal's partitions."""
        return {(JOURNAL, number): await self.log.end_offset(JOURNAL, number) for number in range(self.partitions)}

    async def inputs_taken(self) -> bool:
        """Whether every contact event is decided and journaled."""
        for number in range(self.partitions):
            end = await self.log.end_offset(CONTACT_EVENTS, number)
            if end and await self.log.committed(GROUP, CONTACT_EVENTS, number) != end:
                return False
        return True


@contextlib.asynccontextmanager
async def installation(directory: Path, documents: Sequence[Document]) -> AsyncIterator[Installation]:
    """A new log in the directory, on the disk with each commit, with the documents published."""
    configure_logging(level="error", form="console")
    tune_interpreter()
    settings = load_settings(data_dir=directory, from_start_fires=True)
    clock = EngineClock()
    async with embedded_log(settings, clock) as log:
        await log.append(list(published(documents, clock())))
        yield Installation(settings, clock, log)


class ReadSide:
    """The projector at work, and what its database shows."""

    def __init__(self, projector: Projector, url: str, database: psycopg.Connection[Any], postmaster: int) -> None:
        self.projector, self.url, self._database, self._postmaster = projector, url, database, postmaster

    def shows(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether the journal is projected up to these ends."""
        return all(self.projector.checkpoints.get(source, 0) >= end for source, end in ends.items())

    @property
    def cpu_s(self) -> float:
        """Processor time of the database server so far."""
        return cpu_of_family(self._postmaster)

    def vacuum(self) -> None:
        """Leave the rows as autovacuum leaves them, a minute after they were written."""
        self._database.execute("VACUUM (ANALYZE)")

    def completed(self) -> int:
        """How many completed enrollments the database shows."""
        row = self._database.execute(COMPLETED).fetchone()
        return int(row[0]) if row else 0


@contextlib.asynccontextmanager
async def read_side(directory: Path, log: EventLog) -> AsyncIterator[ReadSide]:
    """An embedded Postgres, migrated, and a projector that keeps it up to date."""
    postgres = EmbeddedPostgres()
    try:
        url = await asyncio.to_thread(postgres.start, directory / "postgres")
        await asyncio.to_thread(migrate, url)
        projector = Projector(log, url)
        task = asyncio.create_task(projector.run())
        postmaster = read_postmaster(directory / "postgres" / "data")
        assert postmaster is not None, "the server was started a moment ago"
        with psycopg.connect(url, autocommit=True) as database:
            yield ReadSide(projector, url, database, postmaster.pid)
        projector.stop()
        await task
    finally:
        await asyncio.to_thread(postgres.stop)
