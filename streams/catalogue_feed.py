"""The catalogue as the definitions topic gives it, with every state of it that a partition must pass through."""

import asyncio
from collections.abc import Callable

import msgspec

from domain.catalogue import Catalogue, Compile, evolve_catalogue, touches_enrollments
from domain.definition import DefinitionCommandResulted
from schemas.definition_event import decode_definition_event
from schemas.event_log import EventLog
from schemas.topics import DEFINITIONS

_READ_LIMIT = 1_000


class Snapshot(msgspec.Struct, frozen=True):
    """The catalogue with all definitions below `offset` in force."""

    offset: int
    catalogue: Catalogue
    touches: bool
    """Whether the last event before `offset` concerns open enrollments."""


class CatalogueFeed:
    """Reads the definitions topic and keeps the catalogue; waiters hear of each change."""

    def __init__(self, log: EventLog, compile_: Compile) -> None:
        self._log, self._compile = log, compile_
        self.latest = Snapshot(0, Catalogue(), touches=False)
        self._position = 0
        self._touching: list[Snapshot] = []
        self.decided: set[str] = set()
        """Ids of the definition commands that have a result."""
        self._changed = asyncio.Condition()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener()` after each change."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Call it no more; one that never listened is forgotten already."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def catch_up(self) -> None:
        """Read to the end of the topic."""
        end = await self._log.end_offset(DEFINITIONS, 0)
        while self._position < end:
            await self._read()

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        while True:
            if not await self._read():
                await self._log.wait({(DEFINITIONS, 0): self._position}, timeout=60)

    async def wait_for(self, offset: int) -> None:
        """Until all definitions below `offset` are in the catalogue."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.latest.offset >= offset)

    def after(self, offset: int) -> Snapshot:
        """The farthest snapshot that may follow `offset`: none that touches enrollments is passed over."""
        return next((snapshot for snapshot in self._touching if snapshot.offset > offset), self.latest)

    def at(self, offset: int) -> Snapshot:
        """The snapshot that touches enrollments at exactly this offset, else the one that may follow."""
        return next((snapshot for snapshot in self._touching if snapshot.offset == offset), self.after(offset))

    async def _read(self) -> bool:
        chunk = await self._log.read(DEFINITIONS, 0, self._position, limit=_READ_LIMIT)
        self._position = max(self._position, chunk.next)
        for record in chunk:
            if record.offset < self.latest.offset:  # another reader of this feed was quicker
                continue
            assert record.value is not None
            event = decode_definition_event(record.value)
            if isinstance(event, DefinitionCommandResulted):
                self.decided.add(event.command_id)
            catalogue = evolve_catalogue(self.latest.catalogue, event, self._compile)
            self.latest = Snapshot(record.offset + 1, catalogue, touches=touches_enrollments(event))
            if self.latest.touches:
                self._touching.append(self.latest)
        if chunk:
            for listener in self._listeners:
                listener()
            async with self._changed:
                self._changed.notify_all()
        return bool(chunk)
