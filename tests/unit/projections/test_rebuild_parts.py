"""The parts of a rebuild that need no database: its plan, what it reads, and how it tells of differences."""

from pathlib import Path

import msgspec
import pytest

from projections.read_models import READ_MODELS
from projections.rebuild.compare import difference
from projections.rebuild.marker import Marker
from projections.rebuild.plan import ALL_TABLES, UnknownProjection, plan_of
from projections.rebuild.span import read_span
from projections.rebuild.swap import lock_order
from projections.tables import metadata
from schemas.event_log import Chunk
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL
from tests.support.journals import make_topics, records
from tests.support.memory_log import MemoryEventLog
from tests.unit.projections.test_batch import events

# ---------------------------------------------------------------- the plan


def test_every_table_belongs_to_one_projection() -> None:
    assert sorted(ALL_TABLES) == sorted(metadata.tables)


def test_without_names_everything_is_rebuilt() -> None:
    plan = plan_of([])
    assert plan.whole
    assert plan.models == READ_MODELS


@pytest.mark.parametrize(
    ("name", "with_it"),
    [
        ("contacts", ["contacts"]),
        ("executions", ["enrollments", "executions"]),
        ("timeline", ["workflows", "enrollments", "executions", "timeline"]),
    ],
)
def test_a_projection_comes_with_those_whose_rows_it_reads_in_the_order_of_folding(
    name: str, with_it: list[str]
) -> None:
    plan = plan_of([name, name])
    assert list(plan.names) == with_it
    assert not plan.whole


def test_a_topic_that_says_nothing_to_the_plan_is_not_read() -> None:
    topics = (JOURNAL, DEFINITIONS, DEAD_LETTERS)
    reads = {name: [plan_of([name]).reads(topic) for topic in topics] for name in ("workflows", "dead_letters")}
    assert reads == {"workflows": [False, True, False], "dead_letters": [False, False, True]}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownProjection, match=r"workflows, contacts, .*timeline, found 'contact'"):
        plan_of(["contacts", "contact"])


def test_the_docs_name_every_projection() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations" / "rebuild.md").read_text()
    assert [model.name for model in READ_MODELS if f"`{model.name}`" not in page] == []


# ---------------------------------------------------------------- what is read


@pytest.fixture
async def log() -> MemoryEventLog:
    log = MemoryEventLog()
    await make_topics(log, 1)
    for _ in range(4):
        await log.append(records(0, events(3)))
    await log.append(records(0, events(2), whole=False))
    return log


@pytest.mark.parametrize(
    ("start", "stop", "size", "read"),
    [
        (0, 12, 100, (0, 12)),
        (3, 9, 100, (3, 9)),
        (0, 12, 7, (0, 6)),
        (0, 12, 1, (0, 3)),
        (0, 8, 100, (0, 6)),
        (12, 14, 100, None),
        (6, 6, 100, None),
    ],
)
async def test_a_span_is_whole_transactions_before_its_bound(
    log: MemoryEventLog, start: int, stop: int, size: int, read: tuple[int, int] | None
) -> None:
    found = await read_span(log, (JOURNAL, 0), start, stop, size=size)
    assert [record.offset for record in found] == (list(range(*read)) if read else [])


class SparseLog(MemoryEventLog):
    """As on a broker, where markers of transactions take up offsets too: only every third one is a record's."""

    async def read(self, topic: str, partition: int, offset: int, *, limit: int) -> Chunk:
        dense = self.topics[topic][partition]
        found = [msgspec.structs.replace(one, offset=one.offset * 3) for one in dense if one.offset * 3 >= offset][
            :limit
        ]
        return Chunk(found, found[-1].offset + 3 if found else offset)


@pytest.mark.parametrize(("stop", "read"), [(7, 3), (9, 3), (16, 6), (18, 6), (1_000, 6)])
async def test_a_span_ends_at_its_bound_where_offsets_have_gaps(stop: int, read: int) -> None:
    log = SparseLog()
    await make_topics(log, 1)
    for _ in range(2):
        await log.append(records(0, events(3)))
    found = await read_span(log, (JOURNAL, 0), 0, stop, size=100)
    assert [record.offset for record in found] == [number * 3 for number in range(read)]


# ---------------------------------------------------------------- what is told


def raw(**columns: object) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in columns.items()}


def test_of_two_rows_the_columns_that_differ_are_told() -> None:
    found = difference(["id"], raw(id=1, a="x", b=1), raw(id=1, a="x", b=1.0))
    told = msgspec.json.decode(msgspec.json.encode(found))
    assert told == {"key": {"id": 1}, "found": "in both", "columns": [{"column": "b", "live": 1, "rebuilt": 1.0}]}


def test_of_a_row_that_is_missing_on_one_side_the_key_is_told() -> None:
    assert difference(["id"], raw(id=1, a=2), None).found == "in live only"
    assert difference(["id"], None, raw(id=1, a=2)).found == "rebuilt only"


def test_tables_are_locked_in_the_order_of_those_who_join_them() -> None:
    locked = lock_order(["contacts", "workflows", "workflow_enrollments", "timeline", "workflow_executions"])
    assert locked == ["workflow_executions", "workflow_enrollments", "workflows", "contacts", "timeline"]


def test_markers_differ_in_words() -> None:
    marker = Marker(projections=("contacts",), migration="0002", log="one", code="a")
    assert marker.differs_from(marker) is None
    assert "0001, and the database is at 0002" in (
        msgspec.structs.replace(marker, migration="0001").differs_from(marker) or ""
    )
