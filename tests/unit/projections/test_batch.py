"""A batch ends where a transaction of the engine ends, and stops before what can't be read."""

import pytest

from domain import journal as j
from projections.batch import decode_batch, read_batch
from schemas.event_log import NewRecord
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL
from tests.support.journals import NOW, define, imported, make_topics, records, write
from tests.support.memory_log import MemoryEventLog


def events(count: int, contact_id: str = "ada") -> list[j.JournalEvent]:
    return [
        j.CommandResulted(
            seq=seq, at_ms=NOW, contact_id=contact_id, command_id=f"{seq}", command_type="t", result="accepted"
        )
        for seq in range(1, count + 1)
    ]


@pytest.fixture
async def log() -> MemoryEventLog:
    log = MemoryEventLog()
    await make_topics(log, 1)
    return log


START = {(JOURNAL, 0): 0, (DEAD_LETTERS, 0): 0, (DEFINITIONS, 0): 0}


async def test_what_stands_behind_the_last_end_of_a_transaction_waits(log: MemoryEventLog) -> None:
    await write(log, events(3), partition=0)
    await log.append(records(0, events(2), whole=False))
    batch = await read_batch(log, START, size=100)
    assert [record.offset for record in batch.journal[0]] == [0, 1, 2]
    assert batch.seen[JOURNAL, 0] == 5


async def test_half_a_transaction_alone_is_nothing_yet(log: MemoryEventLog) -> None:
    await log.append(records(0, events(2), whole=False))
    batch = await read_batch(log, START, size=100)
    assert batch.empty
    assert batch.seen[JOURNAL, 0] == 2


async def test_a_transaction_larger_than_a_batch_is_read_to_its_end(log: MemoryEventLog) -> None:
    await write(log, events(1_000), partition=0)
    batch = await read_batch(log, START, size=10)
    assert len(batch.journal[0]) == 1_000


async def test_definitions_are_read_to_their_end_before_any_journal(log: MemoryEventLog) -> None:
    await define(log, *[imported(version=version) for version in range(1, 8)])
    await write(log, events(3), partition=0)
    at = dict(START)
    found = []
    for _ in range(3):
        batch = await read_batch(log, at, size=3)
        found.append((len(batch.definitions), len(batch.journal)))
        at |= {source: now for source, (_, now) in decode_batch(batch, at).moves.items()}
    assert found == [(3, 0), (3, 0), (1, 1)]


async def test_a_record_that_is_no_event_stops_its_partition_before_its_transaction(log: MemoryEventLog) -> None:
    await write(log, events(2), partition=0)
    bad = records(0, events(3))
    bad[1] = NewRecord(topic=JOURNAL, partition=0, key=b"ada", value=b"{}")
    await log.append(bad)
    decoded = decode_batch(await read_batch(log, START, size=100), START)
    assert len(decoded.journal) == 2
    assert decoded.moves == {(JOURNAL, 0): (0, 2)}
    assert "headrace.journal, partition 0, offset 3" in str(decoded.unreadable)


async def test_a_definition_that_is_no_event_stops_the_journal_too(log: MemoryEventLog) -> None:
    await define(log, imported())
    await log.append([NewRecord(topic=DEFINITIONS, partition=0, key=b"w", value=None)])
    await write(log, events(2), partition=0)
    decoded = decode_batch(await read_batch(log, START, size=100), START)
    assert (len(decoded.definitions), decoded.journal) == (1, [])
    assert decoded.moves == {(DEFINITIONS, 0): (0, 1)}
    assert "headrace.definitions, partition 0, offset 1" in str(decoded.unreadable)
