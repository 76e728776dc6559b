"""A batch: what the projector reads in one go, cut where a transaction of the engine ends."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from domain.errors import HeadraceError
from projections.checkpoints import Source
from projections.errors import UnreadableRecord
from schemas.definition_event import decode_definition_event
from schemas.event_log import LogReader, Record
from schemas.journal import POSITIONS_HEADER, decode_event
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL


class Batch(msgspec.Struct, kw_only=True):
    """Records to be projected together, and where the reading stands."""

    definitions: Sequence[Record] = ()
    journal: Sequence[Sequence[Record]] = ()
    dead_letters: Sequence[Record] = ()
    seen: dict[Source, int] = {}
    """Where each source was read up to: what is worth waiting for starts here."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to project."""
        return not (self.definitions or self.journal or self.dead_letters)


class Events(msgspec.Struct, kw_only=True):
    """A batch, decoded: events with their records, and how far it moves the checkpoints."""

    definitions: list[tuple[Any, Record]] = []
    journal: list[tuple[Any, Record]] = []
    dead_letters: list[Record] = []
    moves: dict[Source, tuple[int, int]] = {}
    unreadable: UnreadableRecord | None = None
    """The first record that could not be read; all that stands before it is in the batch."""

    @property
    def counts(self) -> dict[str, int]:
        """How many records there are, by topic."""
        lengths = len(self.definitions), len(self.journal), len(self.dead_letters)
        return dict(zip((DEFINITIONS, JOURNAL, DEAD_LETTERS), lengths, strict=True))


async def sources_of(log: LogReader) -> list[Source]:
    """All that the read side is made from: each partition of the journal and the dead letters, and the definitions."""
    by_contact = [(topic, number) for topic in (JOURNAL, DEAD_LETTERS) for number in range(await log.partitions(topic))]
    return [*by_contact, (DEFINITIONS, 0)]


async def read_batch(log: LogReader, checkpoints: Mapping[Source, int], *, size: int) -> Batch:
    """About `size` records from the checkpoints on, without waiting.

    The journal is read first and the definitions after it, to their end: so a journal record never refers to
    a definition that the batch and all before it do not have.
    """
    seen = dict(checkpoints)
    by_contact = [source for source in checkpoints if source[0] == JOURNAL]
    share = max(size // max(len(by_contact), 1), 256)
    found = await asyncio.gather(
        *[_read_transactions(log, source, checkpoints[source], limit=share) for source in by_contact]
    )
    seen.update({source: next_ for source, (_, next_) in zip(by_contact, found, strict=True)})
    journal = [records for records, _ in found if records]
    definitions, seen[DEFINITIONS, 0] = await _read_definitions(log, checkpoints[DEFINITIONS, 0], size=size)
    if len(definitions) >= size:  # there may be more of them, and the journal has to wait for those
        return Batch(definitions=definitions, seen=dict(checkpoints))
    letters = [source for source in checkpoints if source[0] == DEAD_LETTERS]
    read = await asyncio.gather(*[log.read(*source, checkpoints[source], limit=share) for source in letters])
    dead_letters = [record for records in read for record in records]
    seen.update({source: chunk.next for source, chunk in zip(letters, read, strict=True)})
    return Batch(definitions=definitions, journal=journal, dead_letters=dead_letters, seen=seen)


async def _read_definitions(log: LogReader, offset: int, *, size: int) -> tuple[list[Record], int]:
    """Definitions from `offset` on, to their end or until there are `size`; and where reading got to."""
    records: list[Record] = []
    while len(records) < size:
        more = await log.read(DEFINITIONS, 0, offset, limit=size)
        records.extend(more)
        if more.next <= offset:
            break
        offset = more.next
    return records, offset


async def _read_transactions(
    log: LogReader, source: Source, offset: int, *, limit: int
) -> tuple[Sequence[Record], int]:
    """Whole transactions from `offset` on, one at least when its end is there; and where reading got to."""
    records: list[Record] = []
    while True:
        more = await log.read(*source, offset, limit=limit)
        if more.next <= offset:
            return (), offset
        offset = more.next
        end = last_end(more)
        if end is not None:
            return [*records, *more[:end]], offset
        records.extend(more)


def last_end(records: Sequence[Record]) -> int | None:
    """How many of the records there are up to the last end of a transaction."""
    for index in range(len(records) - 1, -1, -1):
        if _ends_transaction(records[index]):
            return index + 1
    return None


def _ends_transaction(record: Record) -> bool:
    return any(name == POSITIONS_HEADER for name, _ in record.headers)


def decode_batch(batch: Batch, checkpoints: Mapping[Source, int]) -> Events:
    """The events of a batch; where one can't be read, only what stands before its transaction."""
    events = Events(dead_letters=list(batch.dead_letters))
    for record in batch.definitions:
        try:
            events.definitions.append((decode_definition_event(record.value or b""), record))
        except HeadraceError as error:
            events.unreadable = _unreadable(record, error)
            break
        _move(events, record, checkpoints)
    for record in batch.dead_letters:
        _move(events, record, checkpoints)
    if events.unreadable is not None:
        return events  # what the journal says may build on the definition that can't be read
    for records in batch.journal:
        _decode_journal(events, records, checkpoints)
    return events


def _decode_journal(events: Events, records: Sequence[Record], checkpoints: Mapping[Source, int]) -> None:
    decoded: list[tuple[Any, Record]] = []
    last = records[-1]
    try:
        for record in records:
            decoded.append((decode_event(record.value or b""), record))  # noqa: PERF401 all before an error is kept
    except HeadraceError as error:
        events.unreadable = _unreadable(records[len(decoded)], error)
        end = last_end(records[: len(decoded)])
        if end is None:
            return
        decoded, last = decoded[:end], records[end - 1]
    events.journal.extend(decoded)
    _move(events, last, checkpoints)


def _move(events: Events, record: Record, checkpoints: Mapping[Source, int]) -> None:
    source = (record.topic, record.partition)
    events.moves[source] = (checkpoints[source], record.offset + 1)


def _unreadable(record: Record, error: Exception) -> UnreadableRecord:
    return UnreadableRecord(
        f"the projector stopped at {record.topic}, partition {record.partition}, offset {record.offset}: {error}"
    )
