"""Opening a partition's store: check that it fits the journal, and fold the journal's tail into it."""

from collections.abc import Iterator, Sequence

import structlog
from msgspec.structs import replace

from domain import journal as j
from domain.errors import HeadraceError
from domain.evolve import evolve, evolve_partition
from domain.state import ContactState
from schemas.event_log import Chunk, EventLog, Record
from schemas.journal import POSITIONS_HEADER, decode_event, decode_events, decode_positions
from schemas.topics import JOURNAL
from streams.partition_settings import GROUP, PartitionSettings
from streams.store import Identity, Store, store_path

_READ_LIMIT = 1_000
"""Journal records folded in one go: some tens of milliseconds, in which the other partitions of the process wait."""
_DECODED_AT_ONCE = 256
_log = structlog.get_logger(__name__)


async def open_store(log: EventLog, partition: int, settings: PartitionSettings) -> Store:
    """The partition's store, folded to the journal's end, with its input positions.

    Raises:
        HeadraceError: the journal ended before its end offset was reached.
    """
    store = await begin_store(log, partition, settings)
    try:
        await catch_up(log, partition, store, settings)
    except BaseException:
        store.close()  # what it holds, it holds: who folds it next goes on there
        raise
    return store


async def begin_store(log: EventLog, partition: int, settings: PartitionSettings) -> Store:
    """The partition's store as it was left, if that fits the journal, else an empty one."""
    identity = Identity(log.cluster_id, await log.topic_id(JOURNAL))
    store = Store(store_path(settings.directory, partition), identity)
    try:
        if not await _fits(log, partition, store):
            _log.warning("store.rebuilt", partition=partition, reason="its last event is not the journal's")
            store.reset()
    except BaseException:
        store.close()
        raise
    return store


async def catch_up(log: EventLog, partition: int, store: Store, settings: PartitionSettings) -> None:
    """Fold what the store lacks to the journal's end, and find out where the inputs go on.

    Raises:
        HeadraceError: the journal ended before its end offset was reached.
    """
    end, position = await log.end_offset(JOURNAL, partition), store.reflected.offset
    while position < end:
        chunk = await read_some(log, partition, position, end)
        fold(store, chunk)
        position = chunk.next
    await _take_group_positions(log, partition, store, settings)


async def read_some(log: EventLog, partition: int, position: int, end: int, *, limit: int | None = None) -> Chunk:
    """What comes next in the journal.

    Raises:
        HeadraceError: the journal ends before `end`.
    """
    chunk = await log.read(JOURNAL, partition, position, limit=limit or _READ_LIMIT)
    if chunk.next <= position < end:
        message = f"journal partition {partition} ends at {position}, expected {end}"
        raise HeadraceError(message)
    return chunk


async def _fits(log: EventLog, partition: int, store: Store) -> bool:
    """Whether the journal holds the store's last event where the store says it is."""
    offset = store.reflected.offset
    if offset == 0:
        return True
    records = await log.read(JOURNAL, partition, offset - 1, limit=1)
    if not records or records[0].offset != offset - 1:
        return False
    return decode_event(records[0].value or b"").id == store.reflected.last_event


def fold(store: Store, records: Sequence[Record]) -> None:
    """Apply journal records to the store; this is the only way in which it is ever built."""
    if not records:
        return
    reflected = store.reflected
    partition, positions = reflected.partition, dict(reflected.positions)
    last_time_ms = partition.last_time_ms
    states: dict[str, ContactState] = {}
    event: j.JournalEvent | None = None
    for record, event in _decoded(records):
        last_time_ms = max(last_time_ms, event.at_ms)
        if event.contact_id == j.PARTITION_KEY:
            partition = evolve_partition(partition, event)
        else:
            state = states.get(event.contact_id) or store.get(event.contact_id)
            states[event.contact_id] = evolve(state, event)
        for name, value in record.headers:
            if name == POSITIONS_HEADER:
                positions.update(decode_positions(value))
    store.apply(
        states,
        expected_offset=reflected.offset,
        offset=records[-1].offset + 1,
        last_event=event.id if event else None,
        positions=positions,
        partition=replace(partition, last_time_ms=last_time_ms),
    )


def _decoded(records: Sequence[Record]) -> Iterator[tuple[Record, j.AnyJournalEvent]]:
    """The records with their events, decoded as many at a time as stay in the processor's cache until they are folded."""
    for start in range(0, len(records), _DECODED_AT_ONCE):
        some = records[start : start + _DECODED_AT_ONCE]
        yield from zip(some, decode_events([record.value or b"" for record in some]), strict=True)


async def _take_group_positions(log: EventLog, partition: int, store: Store, settings: PartitionSettings) -> None:
    """Where the journal says nothing of an input, the group's position holds; else the journal's wins."""
    known = store.reflected.positions
    committed = {
        topic: await log.committed(GROUP, topic, partition) for topic in settings.topics.inputs if topic not in known
    }
    store.adopt_positions({topic: offset for topic, offset in committed.items() if offset is not None})
