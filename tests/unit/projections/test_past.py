"""The past read back from the log: by offsets in few reads, rows as they were, definitions of any moment, a funnel."""

import random

import pytest

from domain import journal as j
from domain.definition import WorkflowArchived, WorkflowPaused
from domain.enrollment import CLOSED
from projections.errors import MissingRecord
from projections.past.definitions import DefinitionHistory
from projections.past.funnel import funnel
from projections.past.rows import as_read, rows_of
from projections.past.scattered import NEAR, records_at, runs
from projections.tables import contacts, workflow_enrollments
from schemas.event_log import Chunk, NewRecord, Record
from schemas.journal import encode_event
from schemas.topics import JOURNAL
from tests.support.engine_spec import CONTACT
from tests.support.journals import NOW, WORKFLOW, define, imported, make_topics, published
from tests.support.memory_log import MemoryEventLog
from tests.support.random_lives import random_life


@pytest.fixture
async def log() -> MemoryEventLog:
    log = MemoryEventLog()
    await make_topics(log, 1)
    return log


async def _append(log: MemoryEventLog, values: list[bytes]) -> list[int]:
    return list(await log.append([NewRecord(topic=JOURNAL, partition=0, key=b"k", value=value) for value in values]))


async def _at(log: MemoryEventLog, offsets: list[int]) -> list[Record]:
    return [record async for record in records_at(log, JOURNAL, 0, offsets)]


# ---------------------------------------------------------------- scattered records


def test_offsets_that_lie_near_are_one_run():
    assert list(runs([])) == []
    assert list(runs([3, 3 + NEAR, 5 + 2 * NEAR])) == [[3, 3 + NEAR], [5 + 2 * NEAR]]


def test_no_run_spans_the_whole_log():
    dense = list(range(100_000))
    found = list(runs(dense))
    assert [offset for run in found for offset in run] == dense
    assert all(run[-1] - run[0] <= 10_000 for run in found)


async def test_scattered_records_come_in_order_with_few_reads(log):
    await _append(log, [b"%d" % number for number in range(20_000)])
    reads = []

    class Counting:
        async def read(self, topic, partition, offset, *, limit):
            reads.append(offset)
            return await log.read(topic, partition, offset, limit=limit)

    wanted = [*sorted(random.Random(1).sample(range(5_000), 30)), 15_000, 15_001, 19_999]
    found = [record async for record in records_at(Counting(), JOURNAL, 0, wanted)]
    assert [record.offset for record in found] == wanted
    assert [record.value for record in found] == [b"%d" % offset for offset in wanted]
    assert len(reads) <= 12


async def test_a_read_that_gives_less_than_was_asked_for_is_followed_by_another(log):
    await _append(log, [b"x"] * 40)

    class Stingy:
        async def read(self, topic, partition, offset, *, limit):
            if offset == 7:  # a transaction's marker, as a broker has them
                return Chunk((), 8)
            return await log.read(topic, partition, offset, limit=min(limit, 3))

    assert [r.offset async for r in records_at(Stingy(), JOURNAL, 0, [2, 6, 30])] == [2, 6, 30]


async def test_a_record_that_is_not_there_is_told(log):
    await _append(log, [b"x"] * 3)
    with pytest.raises(MissingRecord, match=r"offset 5 of headrace\.journal, partition 0"):
        await _at(log, [1, 5])


# ---------------------------------------------------------------- rows as they were


@pytest.mark.parametrize("seed", range(10))
def test_rows_as_of_a_moment_are_those_that_the_state_of_then_shows(seed):
    journal = random_life(seed).journal
    record = Record(topic=JOURNAL, partition=0, offset=0, timestamp_ms=NOW, key=b"", value=b"")
    moment = journal[len(journal) // 2].at_ms
    until = [(event, record) for event in journal if event.at_ms <= moment]
    changes = rows_of(until)
    row = changes.contacts.get(CONTACT)
    assert row is not None
    shown = as_read(contacts, row)
    assert shown["updated_at"].timestamp() * 1000 <= moment
    assert isinstance(shown["tags"], list)
    assert "\0" not in str(shown)
    for enrollment in changes.enrollments.new.values():
        read = as_read(workflow_enrollments, enrollment)
        assert read["enrolled_at"].tzinfo is not None
        assert (read["completed_at"] is None) == (read["status"] not in CLOSED)


# ---------------------------------------------------------------- definitions


async def test_definitions_are_known_below_any_offset_and_at_any_time(log):
    document = {"name": "Welcome", "trigger": {"type": "contact_created"}, "steps": [{"id": "x", "type": "exit"}]}
    one, two = (imported(version=number, at_ms=NOW + number) for number in (1, 2))
    events = [
        _with(one, document),
        published(at_ms=NOW + 10),
        WorkflowPaused(at_ms=NOW + 20, workflow_id=WORKFLOW, command_id="p"),
        _with(two, document),
        published(version=2, at_ms=NOW + 30),
    ]
    await define(log, *events[:2])
    history = DefinitionHistory(log)
    assert (await history.of(WORKFLOW)).at(NOW + 99).entries[WORKFLOW].status == "active"
    await define(log, *events[2:], WorkflowArchived(at_ms=NOW + 40, workflow_id=WORKFLOW, command_id="a"))
    past = await history.of(WORKFLOW)
    found = [past.below(offset).entries.get(WORKFLOW) for offset in range(7)]
    assert [entry and (entry.status, entry.published) for entry in found] == [
        None, ("draft", None), ("active", 1), ("paused", 1), ("paused", 1), ("paused", 2), ("archived", 2),
    ]  # fmt: skip
    assert past.at(NOW).entries == {}
    assert past.at(NOW + 19).entries[WORKFLOW].status == "active"
    assert past.at(NOW + 20).entries[WORKFLOW].status == "paused"
    assert past.at(NOW + 30).workflow(WORKFLOW, 2).steps.keys() == {"x"}
    assert (await history.of("another")).at(NOW + 99).entries == {}


def _with(event, document):
    import msgspec

    return msgspec.structs.replace(event, document=document)


# ---------------------------------------------------------------- the funnel


@pytest.mark.parametrize("seed", range(6))
async def test_the_funnel_counts_what_the_rows_of_then_show(log, seed):
    journal = random_life(seed).journal
    offsets = await _append(log, [encode_event(event) for event in journal])
    moment = journal[len(journal) * 2 // 3].at_ms
    until = [(event, offset) for event, offset in zip(journal, offsets, strict=True) if event.at_ms <= moment]
    places: dict[str, list[int]] = {}
    for event, offset in until:
        id_ = getattr(event, "enrollment_id", None)
        if id_ is not None and not isinstance(event, j.CommandResulted):
            places.setdefault(id_, []).append(offset)
    found = await funnel(log, {0: places})
    record = Record(topic=JOURNAL, partition=0, offset=0, timestamp_ms=NOW, key=b"", value=b"")
    changes = rows_of([(event, record) for event, _ in until])
    rows = list(changes.enrollments.new.values())
    assert found.enrollments.total() == len(rows)
    assert all(found.enrollments[row["status"]] for row in rows)
    assert found.steps.total() == len(changes.executions.new)
    for row in changes.executions.new.values():
        key = (row["step_id"], row["step_type"], row["status"])
        same = [r for r in changes.executions.new.values() if (r["step_id"], r["step_type"], r["status"]) == key]
        assert found.steps[key] == len(same)
