"""The bare fold of a journal: read it, decode it, apply each event, and nothing else. What replays can't cost less."""

import time
from typing import NamedTuple

from domain import journal as j
from domain.evolve import evolve, initial
from domain.state import ContactState
from projections.verify.place import without_garbage_collection
from schemas.event_log import LogReader
from schemas.journal import decode_events
from schemas.topics import JOURNAL

READ = 2_000
SLICE = 256
"""Events that are decoded at a time, as by the verifier: they are folded while the processor has them in its cache."""


class BareFold(NamedTuple):
    """What it took, in this process alone."""

    events: int
    cpu_s: float

    @property
    def cpu_us(self) -> float:
        """Processor time an event."""
        return self.cpu_s / self.events * 1e6


async def bare_fold(log: LogReader) -> BareFold:
    """Fold the whole journal, partition by partition."""
    events, began = 0, time.process_time()
    with without_garbage_collection():
        for partition in range(await log.partitions(JOURNAL)):
            events += await _fold(log, partition)
    return BareFold(events, time.process_time() - began)


async def _fold(log: LogReader, partition: int) -> int:
    states: dict[str, ContactState] = {}
    at = 0
    while chunk := await log.read(JOURNAL, partition, at, limit=READ):
        for start in range(0, len(chunk), SLICE):
            for event in decode_events([record.value or b"" for record in chunk[start : start + SLICE]]):
                contact_id = event.contact_id
                if contact_id != j.PARTITION_KEY:
                    states[contact_id] = evolve(states.get(contact_id) or initial(contact_id), event)
        at = chunk.next
    return at
