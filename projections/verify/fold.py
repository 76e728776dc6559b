"""Folding a partition's journal into its ledger, up to an exact offset."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from domain import journal as j
from domain.errors import HeadraceError
from domain.evolve import evolve_partition, initial
from projections.errors import UnreadableRecord
from projections.verify.folded import Folded
from projections.verify.ledger import Entry, Ledger
from schemas.event_log import LogReader, Record
from schemas.journal import decode_event, decode_events
from schemas.topics import JOURNAL

_READ: Final = 2_000
_SLICE: Final = 256
"""Records that are decoded at a time: their events are folded while they are still in the processor's cache."""
_IN_MEMORY: Final = 4_096
"""Contacts that are held decoded, at most: memory does not grow with the journal."""


class PartitionFold:
    """Folds one partition's journal. Contacts wait in memory, and are put into the ledger when they are many."""

    def __init__(self, log: LogReader, partition: int, ledger: Ledger) -> None:
        self.ledger = ledger
        self._log, self._partition = log, partition
        self._entries: dict[str, Entry] = {}

    async def advance(self, to: int, *, at_most: int | None = None) -> None:
        """Fold up to the offset `to`, or about `at_most` records; then all is in the ledger, and nothing is committed.

        Raises:
            UnreadableRecord: a record can't be decoded or folded, or the journal ends before `to`.
        """
        last = to if at_most is None else min(to, self.ledger.stand.offset + at_most)
        while (offset := self.ledger.stand.offset) < last:
            chunk = await self._log.read(JOURNAL, self._partition, offset, limit=min(_READ, to - offset))
            if chunk.next <= offset:
                message = f"journal partition {self._partition} ends at {offset}, expected {to}"
                raise UnreadableRecord(message)
            self._fold(_below(chunk, to), min(chunk.next, to))
            if len(self._entries) > _IN_MEMORY:
                self._spill(len(self._entries) // 2)
        self._spill(len(self._entries))

    def _fold(self, records: Sequence[Record], offset: int) -> None:
        partition = self.ledger.stand.partition
        for start in range(0, len(records), _SLICE):
            some = records[start : start + _SLICE]
            at, known = 0, self._entries.get
            try:
                events = _decoded(some)
                for at, event in enumerate(events):  # noqa: B007 it tells where an error is
                    if entry := known(event.contact_id) or self._find(event):
                        entry.folded.fold(event)
                    else:
                        partition = evolve_partition(partition, event)
            except Exception as error:
                raise _unreadable(some, at, error) from error
            last_time_ms = max([partition.last_time_ms, *[event.at_ms for event in events]])
            if last_time_ms > partition.last_time_ms:
                partition = replace(partition, last_time_ms=last_time_ms)
        self.ledger.move(offset, len(records), partition)

    def _find(self, event: j.JournalEvent) -> Entry | None:
        """The event's contact, from now on in memory; None if it is the partition's own event."""
        contact_id = event.contact_id
        if contact_id == j.PARTITION_KEY:
            return None
        kept = None if event.seq == 1 else self.ledger.get(contact_id)  # nobody is kept before the first event
        entry = self._entries[contact_id] = kept or Entry(Folded(initial(contact_id)))
        return entry

    def _spill(self, count: int) -> None:
        """Put those into the ledger that came into memory first."""
        ids = list(itertools.islice(self._entries, count))
        self.ledger.put(self._entries[id_] for id_ in ids)
        for id_ in ids:
            del self._entries[id_]


def _below(records: Sequence[Record], offset: int) -> Sequence[Record]:
    if not records or records[-1].offset < offset:
        return records
    return [record for record in records if record.offset < offset]


def _unreadable(records: Sequence[Record], at: int, error: Exception) -> UnreadableRecord:
    """Which of the records the error is about: the first that can't be decoded, else the one that was being folded."""
    record = records[at]
    for one in records:
        try:
            decode_event(one.value or b"")
        except HeadraceError:
            record = one
            break
    where = f"{record.topic}, partition {record.partition}, offset {record.offset}"
    return UnreadableRecord(f"the journal can't be folded at {where}: {error or type(error).__name__}")


def _decoded(records: Iterable[Record]) -> list[j.AnyJournalEvent]:
    return decode_events([record.value or b"" for record in records])


async def refold(log: LogReader, partition: int, to: int, contacts: frozenset[str]) -> dict[str, Folded]:
    """Some contacts, folded from the journal's start with all that they ever had; those without an event are left out."""
    keys = {contact_id.encode() for contact_id in contacts}
    found: dict[str, Folded] = {}
    offset = 0
    while offset < to:
        chunk = await log.read(JOURNAL, partition, offset, limit=min(_READ, to - offset))
        if chunk.next <= offset:
            break
        for event in _decoded(record for record in chunk if record.key in keys and record.offset < to):
            one = found.get(event.contact_id)
            if one is None:
                one = found[event.contact_id] = Folded(initial(event.contact_id))
            one.fold(event)
        offset = chunk.next
    return found
