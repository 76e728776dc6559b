"""The journal as it stands, a page at a time: of a partition or of a contact, from an offset or a time on.

Personal data is left out unless it is asked for: it stands apart in every event, so nothing has to be searched for it.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from projections.past.scattered import records_at
from schemas.event_log import Chunk, Record
from schemas.journal import decode_event
from schemas.topics import JOURNAL

_SCANNED: Final = 50_000
"""Records that one page looks at, at most: those of one contact stand far apart."""
_READ: Final = 5_000


class Reads(Protocol):
    """What is asked of the log; every `LogReader` offers it."""

    async def end_offset(self, topic: str, partition: int) -> int:
        """The offset that the next committed record will get."""
        ...

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        """Up to `limit` committed records from `offset` on, without waiting; at the end an empty chunk."""
        ...


class JournalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which events. Without an offset the page begins at `since_ms`, or at the partition's first event."""

    partition: int
    contact_id: str | None = None
    """Only this contact's; `partition` is its home."""
    offset: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    """Events before this time."""
    limit: int = 500
    personal: bool = False


class JournalItem(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the newest shape of its type, and where it stands."""

    partition: int
    offset: int
    event: dict[str, Any]


class JournalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some events; a page may be empty and yet lead on. `next_offset` is None when there is no more for now."""

    partition: int
    items: list[JournalItem]
    next_offset: int | None
    end_offset: int


async def read_journal(log: Reads, query: JournalQuery) -> JournalPage:
    """The page that the query asks for.

    Raises:
        UnreadableJournalEvent: a record is no event that this version of Headrace knows.
    """
    end = await log.end_offset(JOURNAL, query.partition)
    offset = query.offset
    if offset is None:
        offset = 0 if query.since_ms is None else await offset_at(log, query.partition, query.since_ms)
    key = None if query.contact_id is None else query.contact_id.encode()
    items: list[JournalItem] = []
    scanned = 0
    while offset < end and scanned < _SCANNED:
        chunk = await log.read(JOURNAL, query.partition, offset, limit=_READ)
        for record in chunk:
            event = decode_event(record.value or b"") if key is None or record.key == key else None
            if event is not None and query.until_ms is not None and event.at_ms >= query.until_ms:
                return JournalPage(partition=query.partition, items=items, next_offset=None, end_offset=end)
            if event is not None:
                items.append(_item(record, msgspec.to_builtins(event), personal=query.personal))
            if len(items) == query.limit:
                return _page(query, items, record.offset + 1, end, end)
        scanned += len(chunk)
        if chunk.next <= offset:
            break
        offset = chunk.next
    return _page(query, items, offset, end, end)


async def read_journal_at(log: Reads, query: JournalQuery, offsets: Sequence[int]) -> JournalPage:
    """The page of a contact whose events stand at these offsets, which rise.

    Raises:
        MissingRecord: there is none at one of them.
        UnreadableJournalEvent: a record is no event that this version of Headrace knows.
    """
    end = await log.end_offset(JOURNAL, query.partition)
    left = [offset for offset in offsets if offset >= (query.offset or 0)]
    items: list[JournalItem] = []
    async for record in records_at(log, JOURNAL, query.partition, left):
        event = decode_event(record.value or b"")
        if query.until_ms is not None and event.at_ms >= query.until_ms:
            break
        if query.offset is not None or query.since_ms is None or event.at_ms >= query.since_ms:
            items.append(_item(record, msgspec.to_builtins(event), personal=query.personal))
        if len(items) == query.limit:
            return _page(query, items, record.offset + 1, left[-1] + 1, end)
    return JournalPage(partition=query.partition, items=items, next_offset=None, end_offset=end)


def _page(query: JournalQuery, items: list[JournalItem], offset: int, last: int, end: int) -> JournalPage:
    more = offset if offset < last else None
    return JournalPage(partition=query.partition, items=items, next_offset=more, end_offset=end)


def _item(record: Record, fields: dict[str, Any], *, personal: bool) -> JournalItem:
    if not personal:
        fields.pop("personal", None)
    return JournalItem(partition=record.partition, offset=record.offset, event=fields)


async def offset_at(log: Reads, partition: int, at_ms: int) -> int:
    """The offset of the first event at or after a time: time never runs backwards within a partition."""
    low, high = 0, await log.end_offset(JOURNAL, partition)
    while low < high:
        middle = (low + high) // 2
        chunk = await log.read(JOURNAL, partition, middle, limit=1)
        if not chunk or chunk[0].offset >= high or decode_event(chunk[0].value or b"").at_ms >= at_ms:
            high = middle
        else:
            low = chunk[0].offset + 1
    return low
