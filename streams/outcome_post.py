"""Outcomes of attempts whose partition another worker owns: they go to it through `headrace.commands`."""

import asyncio
from collections.abc import Iterable

import structlog

from domain.command import ReportOutcome
from domain.partition import home_partition
from schemas.command import encode_command
from schemas.event_log import EventLog, NewRecord
from schemas.topics import COMMANDS

_log = structlog.get_logger(__name__)


class OutcomePost:
    """Appends outcomes in the background. One that can't be written is settled by its attempt's deadline."""

    def __init__(self, log: EventLog, partitions: int) -> None:
        self._log, self._partitions = log, partitions
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, outcomes: Iterable[ReportOutcome]) -> None:
        """Write them, without waiting for it."""
        records = [self._record(outcome) for outcome in outcomes]
        if records:
            task = asyncio.get_running_loop().create_task(self._append(records))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def finish(self) -> None:
        """Return when all that was sent is written, or given up."""
        await asyncio.gather(*self._sending)

    def _record(self, outcome: ReportOutcome) -> NewRecord:
        home = home_partition(outcome.contact_id, self._partitions)
        return NewRecord(topic=COMMANDS, partition=home, key=outcome.contact_id.encode(), value=encode_command(outcome))

    async def _append(self, records: list[NewRecord]) -> None:
        try:
            await self._log.append(records)
        except Exception as error:  # noqa: BLE001 whatever it is, the deadline settles the attempt
            _log.warning("outcome.not_posted", outcomes=len(records), error=repr(error))
