"""The catalogue's owner: decides definition commands, one after the other, and writes the definitions topic."""

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

GROUP = "headrace.catalogue"
_log = structlog.get_logger(__name__)


class CatalogueOwner:
    """Takes batches of definition commands; each is decided on the catalogue with all earlier ones in force."""

    def __init__(self, log: EventLog, feed: CatalogueFeed, compile_: Compile, clock: Clock) -> None:
        self._log, self._feed, self._compile, self._clock = log, feed, compile_, clock
        self._writer: PartitionWriter | None = None
        self.position = 0

    async def open(self) -> None:
        """Become the owner and find out where the commands go on."""
        self._writer = await self._log.open_writer(GROUP, 0)
        await self._feed.catch_up()
        self.position = await self._log.committed(GROUP, DEFINITION_COMMANDS, 0) or 0

    async def take(self, batch: Batch) -> None:
        """Decide the batch's commands and commit what follows, with the position behind them."""
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
        self.position = max(self.position, batch.next)
        offsets = await self._writer.commit(out, {DEFINITION_COMMANDS: self.position})
        ours = [offset for offset, record in zip(offsets, out, strict=True) if record.topic == DEFINITIONS]
        if ours:
            await self._feed.wait_for(ours[-1] + 1)

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
