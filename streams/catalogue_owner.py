"""The catalogue's owner: decides definition commands, one after the other, and writes the definitions topic."""

from collections.abc import Callable
from typing import Final

import structlog

from domain.catalogue import Catalogue, Compile, decide_definition, evolve_catalogue
from domain.clock import Clock
from domain.definition import AnyDefinitionEvent
from domain.errors import HeadraceError
from schemas.dead_letter import dead_letter
from schemas.definition_command import decode_definition_command
from schemas.definition_event import encode_definition_event
from schemas.event_log import EventLog, NewRecord, PartitionWriter, Record
from schemas.topics import DEFINITION_COMMANDS, DEFINITIONS
from streams.batch import Batch
from streams.catalogue_feed import CatalogueFeed
from streams.gate import Gate
from streams.partition_settings import GROUP as ENGINE_GROUP

GROUP: Final = "headrace.catalogue"
"""Whose writer the owner is. On Kafka its positions belong to the engine's group, of which its worker is a member."""
_HELD: Final = "held"
_log = structlog.get_logger(__name__)


class CatalogueOwner:
    """Takes batches of definition commands; each is decided on the catalogue with all earlier ones in force."""

    def __init__(
        self,
        log: EventLog,
        feed: CatalogueFeed,
        compile_: Compile,
        clock: Clock,
        seek: Callable[[str, int, int], None],
    ) -> None:
        self._log, self._feed, self._compile, self._clock, self._seek = log, feed, compile_, clock, seek
        self._gate = Gate()
        self._writer: PartitionWriter | None = None
        self.position = 0

    async def open(self) -> None:
        """Become the owner and find out where the commands go on."""
        await self.fence()
        await self.catch_up()

    async def fence(self) -> None:
        """Become the owner: nobody before us writes definitions from here on."""
        self._writer = await self._log.open_writer(GROUP, 0)

    async def catch_up(self) -> None:
        """Know all that was decided before, and where the commands go on. Commands that come twice are known."""
        await self._feed.catch_up()
        found = [await self._log.committed(group, DEFINITION_COMMANDS, 0) or 0 for group in (GROUP, ENGINE_GROUP)]
        self.position = max(found)

    def join(self, membership: bytes) -> None:
        """Commit positions as this member of the engine's group from now on."""
        assert self._writer is not None, "the owner was not opened"
        self._writer.join(membership)

    async def hold(self) -> None:
        """Finish the transaction in hand and begin none; batches that come meanwhile are dropped: they come again."""
        await self._gate.shut(_HELD)

    def go_on(self) -> None:
        """Take batches again after `hold`, from `position` on."""
        self._gate.open(_HELD)

    async def take(self, batch: Batch) -> None:
        """Decide the batch's commands and commit what follows, with the position behind them."""
        if self._gate.is_shut(_HELD):
            return
        if batch.first > self.position:
            _log.warning("input.gap", topic=batch.topic, partition=0, at=self.position, got=batch.first)
            self._seek(batch.topic, 0, self.position)
            return
        with self._gate:
            decided_until = await self._take(batch)
        await self._feed.wait_for(decided_until)

    async def _take(self, batch: Batch) -> int:
        """Gives the offset below which all definitions must be known before anything else is decided."""
        assert self._writer is not None, "the owner was not opened"
        catalogue, decided = self._feed.latest.catalogue, set(self._feed.decided)
        out: list[NewRecord] = []
        for record in batch.records:
            if record.offset < self.position:
                continue
            for event in self._decide(record, catalogue, decided, out):
                catalogue = evolve_catalogue(catalogue, event, self._compile)
                decided.add(event.command_id)
                key, value = event.workflow_id.encode(), encode_definition_event(event)
                out.append(NewRecord(topic=DEFINITIONS, partition=0, key=key, value=value))
        position = max(self.position, batch.next)
        offsets = await self._writer.commit(out, {DEFINITION_COMMANDS: position})
        self.position = position
        ours = [offset for offset, record in zip(offsets, out, strict=True) if record.topic == DEFINITIONS]
        return ours[-1] + 1 if ours else 0

    def _decide(
        self, record: Record, catalogue: Catalogue, decided: set[str], out: list[NewRecord]
    ) -> list[AnyDefinitionEvent]:
        try:
            command = decode_definition_command(record.value or b"")
        except HeadraceError as error:
            out.append(dead_letter(record, "unreadable_command", str(error)))
            return []
        if command.command_id in decided:
            return []
        events = decide_definition(catalogue, command, self._clock(), self._compile)
        result = events[-1]
        _log.info("definition.decided", command=type(command).__name__, result=getattr(result, "result", None))
        return events

    async def close(self) -> None:
        """Give the ownership up."""
        if self._writer is not None:
            await self._writer.close()
