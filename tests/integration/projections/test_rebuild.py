"""A rebuild gives the rows of live, whatever live does meanwhile, and takes its place without anybody waiting."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import psycopg
import pytest

from projections.errors import ProjectionError, UnreadableRecord
from projections.migrations import migrate
from projections.read_models import READ_MODELS
from projections.rebuild import RebuildReport, RebuildSession, UnknownProjection, plan_of, rebuild, roll_back
from projections.rebuild.errors import InTheWay, NothingToRollBackTo, NotThisLog, RebuildUnderWay
from projections.tables import metadata
from schemas.dead_letter import dead_letter
from schemas.event_log import EventLog, Record
from schemas.topics import JOURNAL
from tests.integration.projections.test_projector import (
    caught_up,
    ends,
    project_all,
    projecting,
    read_side,
    rows,
    same,
    until,
    write_lives,
)
from tests.support.engine_spec import Spec
from tests.support.journals import NOW, batches, define, imported, make_topics, write
from tests.support.memory_log import MemoryEventLog
from tests.support.random_lives import ACTIONS, TAGS, WORKFLOWS, named, random_life

PARTITIONS = 3


@pytest.fixture
async def log() -> MemoryEventLog:
    log = MemoryEventLog()
    await make_topics(log, PARTITIONS)
    await define(log, *[imported(one, name=name) for one, name in ((ACTIONS, "Actions"), (TAGS, "Tags"))])
    letter = Record(topic="contact-events", partition=1, offset=7, timestamp_ms=NOW, key=b"k", value=b"\xff\0")
    await log.append([dead_letter(letter, "unreadable_event", "why")])
    return log


def no_pool(workers: int) -> Any:
    raise AssertionError("one worker is this process")


@contextlib.asynccontextmanager
async def session_of(log: MemoryEventLog, url: str, **options: Any) -> AsyncIterator[RebuildSession]:
    given = {"pool": no_pool, "workers": 1, "batch_size": 50} | options
    async with RebuildSession(lambda: contextlib.nullcontext(log), url, **given) as session:
        yield session


async def rebuilt(log: MemoryEventLog, url: str, *names: str, **options: Any) -> RebuildReport:
    async with session_of(log, url) as session:
        return await rebuild(session, plan_of(names), **options)


def schemas(url: str) -> set[str]:
    return {name for (name,) in rows(url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'headrace%'")}


def checkpoints(url: str) -> dict[tuple[str, int], int]:
    return {(topic, number): offset for topic, number, offset in rows(url, "TABLE checkpoints")}


def indexes(url: str) -> list[Any]:
    return rows(url, "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")


# ---------------------------------------------------------------- equal


async def test_a_rebuild_gives_the_rows_indexes_and_checkpoints_of_live_and_keeps_the_old(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(12), random.Random(1))
    await project_all(log, read_side_url, batch_size=1)
    live, made = read_side(read_side_url), indexes(read_side_url)
    report = await rebuilt(log, read_side_url)
    assert (report.result, report.resumed, report.previous) == ("swapped", False, "headrace_previous")
    assert report.records == sum(checkpoints(read_side_url).values())
    assert report.tables is not None
    assert {one.table for one in report.tables} == set(metadata.tables) - {"checkpoints"}
    assert [one.table for one in report.tables if not one.equal] == []
    same(live, read_side(read_side_url))
    assert live["timeline"]
    assert live["dead_letters"]
    assert indexes(read_side_url) == made
    assert checkpoints(read_side_url) == await ends(log)
    assert schemas(read_side_url) == {"headrace_previous"}


async def test_a_rebuild_under_live_load_ends_equal_and_the_projector_goes_on(
    log: MemoryEventLog, read_side_url: str, database_url: str
) -> None:
    async with projecting(log, read_side_url, batch_size=1) as projector:
        await write_lives(log, range(10), random.Random(2))
        before = sum((await ends(log)).values())
        async with live_load(log):
            report = await rebuilt(log, read_side_url)
        assert sum((await ends(log)).values()) > before, "it was to be under load"
        await caught_up(log, projector)
    assert report.result == "swapped"
    assert report.equal
    migrate(database_url)
    await project_all(log, database_url)
    same(read_side(database_url), read_side(read_side_url))


@contextlib.asynccontextmanager
async def live_load(log: EventLog) -> AsyncIterator[None]:
    """Lives that are being lived until the end of the block."""

    life, ending = random_life(11, 40).journal, asyncio.Event()

    async def live() -> None:
        for number in itertools.count():
            for transaction in batches(named(life, f"live-{number}"), [9] * 20):
                await write(log, transaction)
                await asyncio.sleep(0.02)  # so that the projector, in this process too, keeps up
                if ending.is_set():
                    return

    task = asyncio.create_task(live())
    try:
        yield
    finally:
        ending.set()  # not cancelled: an append that nobody waits for may still be committed
        await task


async def test_a_read_side_that_has_nothing_yet_is_brought_to_the_end_of_the_log(
    log: MemoryEventLog, read_side_url: str, database_url: str
) -> None:
    await write_lives(log, range(6), random.Random(3))
    report = await rebuilt(log, read_side_url)
    assert (report.result, report.tables) == ("swapped", None)
    assert checkpoints(read_side_url) == await ends(log)
    await write_lives(log, range(50, 52), random.Random(3))
    await project_all(log, read_side_url)
    migrate(database_url)
    await project_all(log, database_url)
    same(read_side(database_url), read_side(read_side_url))


async def test_what_was_loaded_before_it_was_cut_off_is_not_loaded_again(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(8), random.Random(4))
    await project_all(log, read_side_url)
    live, total = read_side(read_side_url), sum(checkpoints(read_side_url).values())
    async with session_of(log, read_side_url) as session:
        read, reads = log.read, 0

        async def failing(*place: Any, **options: Any) -> Any:
            nonlocal reads
            reads += 1
            if reads > 8:
                raise ConnectionError
            return await read(*place, **options)

        log.read = failing  # type: ignore[method-assign] a broker that goes away
        with pytest.raises(ConnectionError):
            await rebuild(session, plan_of([]))
        log.read = read  # type: ignore[method-assign]
    assert schemas(read_side_url) == {"headrace_rebuild"}
    loaded = rows(read_side_url, 'SELECT sum("offset")::int FROM headrace_rebuild.checkpoints')[0][0]
    assert 0 < loaded < total
    report = await rebuilt(log, read_side_url)
    assert (report.resumed, report.records, report.equal) == (True, total - loaded, True)
    same(live, read_side(read_side_url))


@pytest.mark.parametrize("made_from", ["log", "migration", "code", "projections"])
async def test_what_was_loaded_from_something_else_is_thrown_away(
    log: MemoryEventLog, read_side_url: str, made_from: str
) -> None:
    await write_lives(log, range(2), random.Random(5))
    await project_all(log, read_side_url)
    async with session_of(log, read_side_url) as session:
        marker = await session.marker(plan_of([]))
        other = {made_from: ("contacts",) if made_from == "projections" else "other"}
        await session.control.make_shadow(msgspec.structs.replace(marker, **other))
    with psycopg.connect(read_side_url) as connection:
        connection.execute(
            "INSERT INTO headrace_rebuild.templates VALUES ('stray', 'sms', null, '', null, null, now())"
        )
    report = await rebuilt(log, read_side_url)
    assert not report.resumed
    assert report.anew
    assert report.equal


# ---------------------------------------------------------------- different


async def plant(url: str) -> None:
    """One wrong row, one that is missing and one too many."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE contacts SET first_name = 'Eve' WHERE id = 'contact-1'")
        connection.execute("DELETE FROM timeline WHERE contact_id = 'contact-0' AND seq = 2")
        connection.execute("INSERT INTO templates VALUES ('stray', 'sms', null, 'Hi', null, null, now())")


def told(report: RebuildReport) -> dict[str, Any]:
    """The differences, as a program gets them."""
    tables = msgspec.json.decode(msgspec.json.encode(report.tables))
    return {one["table"]: one for one in tables if not one["equal"]}


async def test_a_wrong_row_is_named_and_mended(log: MemoryEventLog, read_side_url: str) -> None:
    await write_lives(log, range(3), random.Random(6))
    await project_all(log, read_side_url)
    right = read_side(read_side_url)
    await plant(read_side_url)
    report = await rebuilt(log, read_side_url)
    found = told(report)
    assert found.keys() == {"contacts", "timeline", "templates"}
    (row,) = found["contacts"]["first"]
    assert (row["key"], row["found"]) == ({"id": "contact-1"}, "in both")
    (column,) = row["columns"]
    assert (column["column"], column["live"]) == ("first_name", "Eve")
    assert column["rebuilt"] != "Eve"
    assert found["timeline"]["first"] == [
        {"key": {"contact_id": "contact-0", "seq": 2}, "found": "rebuilt only", "columns": []}
    ]
    assert found["templates"]["first"] == [{"key": {"name": "stray"}, "found": "in live only", "columns": []}]
    assert [one["differing"] for one in found.values()] == [1, 1, 1]
    assert report.result == "swapped"
    same(right, read_side(read_side_url))


@pytest.mark.parametrize("options", [{"swapping": False}, {"keep_if_different": True}])
async def test_live_stays_as_it_is_when_it_is_only_compared_or_must_not_differ(
    log: MemoryEventLog, read_side_url: str, options: dict[str, bool]
) -> None:
    await write_lives(log, range(2), random.Random(7))
    await project_all(log, read_side_url)
    await plant(read_side_url)
    wrong = read_side(read_side_url)
    report = await rebuilt(log, read_side_url, **options)
    assert (report.result, report.equal, report.previous) == ("kept", False, None)
    same(wrong, read_side(read_side_url))
    assert schemas(read_side_url) == {"headrace_rebuild"}
    assert (await rebuilt(log, read_side_url)).resumed


async def test_nothing_is_left_of_a_comparison_that_finds_no_difference(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(2), random.Random(7))
    await project_all(log, read_side_url)
    report = await rebuilt(log, read_side_url, swapping=False)
    assert (report.result, schemas(read_side_url)) == ("equal", set())


# ---------------------------------------------------------------- some projections only


async def test_each_projection_is_rebuilt_alone_with_those_whose_rows_it_reads(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(6), random.Random(8))
    await project_all(log, read_side_url, batch_size=1)
    for model in READ_MODELS:
        report = await rebuilt(log, read_side_url, model.name, swapping=False)
        assert report.result == "equal", model.name
        assert {one.table for one in report.tables or ()} == set(plan_of([model.name]).tables)


async def test_some_projections_are_swapped_and_rolled_back_without_the_others(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(3), random.Random(8))
    await project_all(log, read_side_url)
    live, where = read_side(read_side_url), table_ids(read_side_url)
    assert (await rebuilt(log, read_side_url, "timeline", "contacts")).result == "swapped"
    same(live, read_side(read_side_url))
    moved = {table for table, oid in table_ids(read_side_url).items() if oid != where[table]}
    assert moved == set(plan_of(["timeline", "contacts"]).tables)
    await write_lives(log, range(20, 22), random.Random(8))
    await project_all(log, read_side_url)
    async with session_of(log, read_side_url) as session:
        await roll_back(session)
    assert table_ids(read_side_url) == where
    await write_lives(log, range(30, 31), random.Random(8))
    await project_all(log, read_side_url)
    assert (await rebuilt(log, read_side_url, swapping=False)).result == "equal"


def table_ids(url: str) -> dict[str, int]:
    query = "SELECT relname, oid::int FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    return dict(rows(url, query))


# ---------------------------------------------------------------- swap and rollback


async def test_a_rollback_makes_the_old_tables_live_again_with_all_that_came_since(
    log: MemoryEventLog, read_side_url: str, database_url: str
) -> None:
    await write_lives(log, range(4), random.Random(9))
    await project_all(log, read_side_url)
    old = table_ids(read_side_url)
    await rebuilt(log, read_side_url)
    new = table_ids(read_side_url)
    async with projecting(log, read_side_url) as projector:
        await write_lives(log, range(30, 34), random.Random(9))
        await caught_up(log, projector)
        async with session_of(log, read_side_url) as session:
            report = await roll_back(session)
        assert report.result == "rolled_back"
        assert table_ids(read_side_url) == old
        await write_lives(log, range(40, 41), random.Random(9))
        await caught_up(log, projector)
    migrate(database_url)
    await project_all(log, database_url)
    same(read_side(database_url), read_side(read_side_url))
    async with session_of(log, read_side_url) as session:
        await roll_back(session)
    assert table_ids(read_side_url) == new
    same(read_side(database_url), read_side(read_side_url))


async def test_exactly_one_previous_is_kept(log: MemoryEventLog, read_side_url: str) -> None:
    await write_lives(log, range(1), random.Random(1))
    await project_all(log, read_side_url)
    await rebuilt(log, read_side_url)
    second = table_ids(read_side_url)
    await rebuilt(log, read_side_url)
    assert schemas(read_side_url) == {"headrace_previous"}
    async with session_of(log, read_side_url) as session:
        await roll_back(session)
    assert table_ids(read_side_url) == second


async def test_a_swap_waits_for_a_reader_of_live_without_holding_up_the_others(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(2), random.Random(1))
    await project_all(log, read_side_url)
    waits = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'headrace rebuild control' AND wait_event = 'relation'"
    )
    with psycopg.connect(read_side_url) as reader:
        reader.execute("SELECT count(*) FROM workflow_enrollments")
        rebuilding = asyncio.create_task(rebuilt(log, read_side_url))
        await until(lambda: rows(read_side_url, waits))
        for _ in range(20):
            assert await asyncio.to_thread(rows, read_side_url, "SELECT count(*) FROM workflow_enrollments")
        assert not rebuilding.done()
        reader.rollback()
        assert (await rebuilding).result == "swapped"


async def test_statements_that_were_prepared_before_a_swap_show_the_new_tables(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(2), random.Random(1))
    await project_all(log, read_side_url)
    await plant(read_side_url)
    query = "SELECT first_name FROM contacts WHERE id = 'contact-1'"
    with psycopg.connect(read_side_url, autocommit=True, prepare_threshold=0) as pooled:
        before = [pooled.execute(query).fetchone() for _ in range(7)]
        assert set(before) == {("Eve",)}
        await rebuilt(log, read_side_url)
        assert pooled.execute(query).fetchone() != ("Eve",)


async def test_grants_and_indexes_of_an_operator_stay(log: MemoryEventLog, read_side_url: str) -> None:
    await project_all(log, read_side_url)
    with psycopg.connect(read_side_url) as connection:
        connection.execute('CREATE INDEX "ix_Own" ON contacts (lower(email)) WHERE email IS NOT NULL')
        connection.execute("GRANT SELECT ON contacts TO PUBLIC")
    made = indexes(read_side_url)
    await rebuilt(log, read_side_url)
    assert indexes(read_side_url) == made
    assert rows(read_side_url, "SELECT has_table_privilege('pg_monitor', 'contacts', 'SELECT')") == [(True,)]


async def test_a_view_on_live_tables_is_in_the_way_of_a_swap_but_not_of_a_comparison(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await project_all(log, read_side_url)
    with psycopg.connect(read_side_url) as connection:
        connection.execute("CREATE VIEW names AS SELECT first_name FROM contacts")
    with pytest.raises(InTheWay, match="view names"):
        await rebuilt(log, read_side_url)
    assert (await rebuilt(log, read_side_url, swapping=False)).result == "equal"
    assert (await rebuilt(log, read_side_url, "incidents")).result == "swapped"


async def test_tables_that_are_no_projections_are_left_alone(log: MemoryEventLog, read_side_url: str) -> None:
    await project_all(log, read_side_url)
    with psycopg.connect(read_side_url) as connection:
        connection.execute("CREATE SCHEMA headrace_ops CREATE TABLE jobs (id int) CREATE VIEW v AS SELECT * FROM jobs")
        connection.execute("CREATE TABLE public.mine AS SELECT 1 AS one")
    await rebuilt(log, read_side_url)
    assert rows(read_side_url, "SELECT one FROM mine") == [(1,)]
    assert rows(read_side_url, "SELECT count(*) FROM headrace_ops.v") == [(0,)]
    migrate(read_side_url)


# ---------------------------------------------------------------- what it refuses


async def test_a_name_that_is_no_projection_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownProjection, match=r"workflows, contacts, .*timeline, found 'contact'"):
        plan_of(["contact"])


async def test_there_is_nothing_to_roll_back_to_before_a_swap(log: MemoryEventLog, read_side_url: str) -> None:
    async with session_of(log, read_side_url) as session:
        with pytest.raises(NothingToRollBackTo):
            await roll_back(session)


async def test_tables_of_before_a_migration_do_not_go_live_again(log: MemoryEventLog, read_side_url: str) -> None:
    await project_all(log, read_side_url)
    await rebuilt(log, read_side_url)
    with psycopg.connect(read_side_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    async with session_of(log, read_side_url) as session:
        with pytest.raises(ProjectionError, match="9999; rebuild instead"):
            await roll_back(session)


async def test_one_rebuild_at_a_time(log: MemoryEventLog, read_side_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.rebuild.control.LOCK_SECONDS", 0)
    async with session_of(log, read_side_url):
        with pytest.raises(RebuildUnderWay):
            await rebuilt(log, read_side_url)
    await rebuilt(log, read_side_url)


@pytest.mark.parametrize(
    ("partitions", "why"), [(PARTITIONS, "ends at 0"), (1, "only the read side"), (5, "only the log")]
)
async def test_a_read_side_of_another_log_is_refused_and_left_alone(
    log: MemoryEventLog, read_side_url: str, partitions: int, why: str
) -> None:
    await write_lives(log, range(2), random.Random(1))
    await project_all(log, read_side_url)
    live = read_side(read_side_url)
    other = MemoryEventLog()
    await make_topics(other, partitions)
    with pytest.raises(NotThisLog, match=rf"{why}.*HEADRACE_DATABASE_URL"):
        await rebuilt(other, read_side_url)
    same(live, read_side(read_side_url))


async def test_a_read_side_that_has_nothing_yet_is_not_loaded_only_to_be_compared(
    log: MemoryEventLog, read_side_url: str
) -> None:
    await write_lives(log, range(2), random.Random(1))
    report = await rebuilt(log, read_side_url, swapping=False)
    assert (report.result, report.records, schemas(read_side_url)) == ("equal", 0, set())


async def test_a_record_that_cannot_be_read_stops_it_with_its_place(log: MemoryEventLog, read_side_url: str) -> None:
    journal = Spec(*WORKFLOWS).created().journal
    await write(log, journal, partition=1)
    await project_all(log, read_side_url)
    broken = log.topics[JOURNAL][1]
    broken[1] = msgspec.structs.replace(broken[1], value=b"{}")
    with pytest.raises(UnreadableRecord, match=r"headrace\.journal, partition 1, offset 1"):
        await rebuilt(log, read_side_url)
    assert rows(read_side_url, "SELECT count(*) FROM timeline") == [(len(journal),)]
