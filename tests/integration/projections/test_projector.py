"""The projector against a real Postgres: rows and checkpoints move together, whatever happens in between."""

import asyncio
import random
import string
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain import definition as d
from domain import journal as j
from domain.partition import home_partition
from projections.batch import read_batch
from projections.errors import CheckpointConflict, DatabaseUnreachable, ProjectionError, UnreadableRecord
from projections.migrations import migrate
from projections.projector import PROGRESS_CHANNEL, Projector
from projections.tables import metadata
from schemas.dead_letter import dead_letter
from schemas.event_log import EventLog, NewRecord, Record
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL
from tests.support.engine_spec import Spec
from tests.support.journals import NOW, WORKFLOW, batches, define, imported, make_topics, published, records, write
from tests.support.memory_log import MemoryEventLog
from tests.support.random_lives import ACTIONS, TAGS, WORKFLOWS, named, random_life

PARTITIONS = 3
DEADLINE_SECONDS = 30


@pytest.fixture
async def log() -> MemoryEventLog:
    log = MemoryEventLog()
    await make_topics(log, PARTITIONS)
    await define(log, *[imported(one, name=name) for one, name in ((ACTIONS, "Actions"), (TAGS, "Tags"))])
    return log


@asynccontextmanager
async def projecting(log: MemoryEventLog, url: str, **options: Any) -> AsyncIterator[Projector]:
    projector = Projector(log, url, **options)
    task = asyncio.create_task(projector.run())
    try:
        yield projector
    finally:
        projector.stop()
        await task


async def until(found: Callable[[], Any]) -> Any:
    """What `found` gives, once it gives something."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (something := await asyncio.to_thread(found)):
            await asyncio.sleep(0.01)
    return something


async def ends(log: MemoryEventLog) -> dict[tuple[str, int], int]:
    return {
        (topic, number): await log.end_offset(topic, number)
        for topic in (JOURNAL, DEFINITIONS, DEAD_LETTERS)
        for number in range(await log.partitions(topic))
    }


async def caught_up(log: MemoryEventLog, projector: Projector) -> None:
    wanted = await ends(log)
    await until(lambda: dict(projector.checkpoints) == wanted)


async def project_all(log: MemoryEventLog, url: str, **options: Any) -> None:
    async with projecting(log, url, **options) as projector:
        await caught_up(log, projector)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def read_side(url: str) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    found = {}
    with psycopg.connect(url) as connection:
        for table in metadata.sorted_tables:
            order = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key)
            query = sql.SQL("SELECT * FROM {} ORDER BY {}").format(sql.Identifier(table.name), order)
            found[table.name] = connection.execute(query).fetchall()
    return found


def same(one: Mapping[str, list[tuple[Any, ...]]], other: Mapping[str, list[tuple[Any, ...]]]) -> None:
    """Row for row (and told table by table, as a difference of all would fill many screens)."""
    for table, found in one.items():
        for row, expected in zip(found, other[table], strict=True):
            assert row == expected, table


async def write_lives(log: EventLog, seeds: range, chance: random.Random) -> int:
    """Random lives, interleaved transaction by transaction as in one journal."""
    queues = [
        batches(named(random_life(seed, 40).journal, f"contact-{seed}"), [chance.randint(1, 9) for _ in range(99)])
        for seed in seeds
    ]
    count = 0
    while any(queues):
        queue = chance.choice([queue for queue in queues if queue])
        transaction = queue.pop(0)
        count += len(transaction)
        await write(log, transaction)
    return count


# ---------------------------------------------------------------- what is shown


async def test_a_life_is_shown_event_by_event(log: MemoryEventLog, read_side_url: str) -> None:
    spec = Spec(*WORKFLOWS).created()
    shown = []
    async with projecting(log, read_side_url) as projector:

        async def show() -> None:
            await write(log, spec.last)
            await caught_up(log, projector)
            query = "SELECT status, current_step, next_action_at IS NOT NULL FROM workflow_enrollments"
            steps = "SELECT step_id, status, attempts FROM workflow_executions ORDER BY seq"
            shown.append((*rows(read_side_url, query), rows(read_side_url, steps)))

        await show()
        for happens in (
            spec.started,
            lambda: spec.outcome("failed", code="busy", retryable=True),
            lambda: spec.timer(after_ms=10_000),
            spec.started,
            lambda: spec.outcome("succeeded", provider_id="SM1"),
            lambda: spec.timer(after_ms=86_400_000),
        ):
            happens()
            await show()
    assert shown == [
        (("active", "sms", False), [("sms", "pending", 0)]),
        (("active", "sms", False), [("sms", "running", 1)]),
        (("active", "sms", True), [("sms", "running", 1)]),
        (("active", "sms", False), [("sms", "running", 1)]),
        (("active", "sms", False), [("sms", "running", 2)]),
        (("active", "wait", True), [("sms", "completed", 2), ("wait", "running", 0)]),
        (("active", "hook", False), [("sms", "completed", 2), ("wait", "completed", 0), ("hook", "pending", 0)]),
    ]
    assert rows(read_side_url, "SELECT summary FROM timeline ORDER BY seq")[1] == ("Enrolled in workflow Actions v1",)


async def test_facts_are_shown_however_long_they_are(log: MemoryEventLog, read_side_url: str) -> None:
    text = "".join(random.Random(1).choices(string.ascii_letters, k=20_000))  # nothing makes it shorter
    spec = Spec(*WORKFLOWS).created(phone=text, email=text).started().outcome("succeeded", provider_id=text)
    await write(log, spec.journal)
    await project_all(log, read_side_url)

    assert rows(read_side_url, "SELECT phone, email FROM contacts") == [(text, text)]
    assert rows(read_side_url, "SELECT provider_id FROM send_ledger WHERE provider_id IS NOT NULL") == [(text,)]


async def test_definitions_their_results_and_templates_are_shown(log: MemoryEventLog, read_side_url: str) -> None:
    head = {"at_ms": NOW, "command_id": "t"}
    template = d.TemplateText(name="hello", channel="sms", body="Hi\t\\")
    about = {"workflow_id": "template:hello"}
    await define(
        log,
        imported(),
        published(),
        d.DefinitionCommandResulted(
            at_ms=NOW, workflow_id=WORKFLOW, command_id="i", command_type="import", result="accepted", version=1
        ),
        d.TemplateDefined(**head, **about, template=template),
        d.DefinitionCommandResulted(**head, **about, command_type="define_template", result="accepted"),
        d.TemplateDefined(**head, **about, template=d.TemplateText(name="hello", channel="sms", body="Ho")),
    )
    await project_all(log, read_side_url)
    (document,) = rows(read_side_url, f"SELECT document FROM workflow_versions WHERE workflow_id = '{WORKFLOW}'")
    assert document == ('{"name":"Welcome","steps":[],"a":1}',)
    assert rows(read_side_url, "SELECT name, body FROM templates") == [("hello", "Ho")]
    results = rows(
        read_side_url, "SELECT command_id, workflow_id::text, definition_offset FROM command_results ORDER BY 1"
    )
    assert results == [("i", WORKFLOW, 4), ("t", None, 6)]
    assert rows(read_side_url, f"SELECT status FROM workflows WHERE id = '{WORKFLOW}'") == [("active",)]


async def test_dead_letters_are_kept_byte_for_byte(log: MemoryEventLog, read_side_url: str) -> None:
    record = Record(
        topic="contact-events",
        partition=2,
        offset=77,
        timestamp_ms=NOW,
        key=None,
        value=b"\x00\xff\\x{",
        headers=(("ce_id", b"\xff1"), ("ce_id", b"2")),
    )
    await log.append([dead_letter(record, "unreadable_event", "what\0ever")])
    await log.append([NewRecord(topic=DEAD_LETTERS, partition=0, key=b"k", value=None)])
    await project_all(log, read_side_url)
    query = 'SELECT id, reason, message, topic, partition, "offset", key, value, headers FROM dead_letters ORDER BY id'
    assert rows(read_side_url, query) == [
        ("0-0", "unknown", "", "", None, None, b"k", None, {}),
        (
            "2-0",
            "unreadable_event",
            "what\ufffdever",
            "contact-events",
            2,
            77,
            None,
            b"\x00\xff\\x{",
            {"ce_id": "\ufffd1"},
        ),
    ]


async def test_who_waits_is_notified_of_each_commit(log: MemoryEventLog, read_side_url: str) -> None:
    with psycopg.connect(read_side_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {PROGRESS_CHANNEL}".encode())
        await project_all(log, read_side_url)
        notified = await asyncio.to_thread(lambda: list(listener.notifies(timeout=DEADLINE_SECONDS, stop_after=1)))
    assert [one.channel for one in notified] == [PROGRESS_CHANNEL]


# ---------------------------------------------------------------- once, whatever happens


@pytest.mark.parametrize("seed", range(4))
async def test_a_rebuild_in_one_batch_gives_the_rows_of_many_small_ones(
    log: MemoryEventLog, read_side_url: str, database_url: str, seed: int
) -> None:

    chance = random.Random(seed)
    projector = Projector(log, read_side_url)
    await projector._open()
    queue = asyncio.create_task(write_lives(log, range(seed * 100, seed * 100 + 8), chance))
    await queue
    wanted = await ends(log)
    while dict(projector.checkpoints) != wanted:  # live: a few transactions at a time, of random partitions
        batch = await read_batch(log, projector._checkpoints, size=1)
        cut = [one[: _transactions(one, chance.randint(1, 3))] for one in batch.journal if chance.random() < 0.7]
        batch.journal = [one for one in cut if one]
        events = projector._project(batch)
        projector._checkpoints.update({source: now for source, (_, now) in events.moves.items()})
    projector._close()

    migrate(database_url)
    await project_all(log, database_url, batch_size=1_000_000)
    live, rebuilt = read_side(read_side_url), read_side(database_url)
    assert live["timeline"]
    same(live, rebuilt)


def _transactions(found: list[Record], count: int) -> int:
    ends = [index + 1 for index, record in enumerate(found) if record.headers]
    return ends[:count][-1]


async def test_two_projectors_do_not_double_anything(
    log: MemoryEventLog, read_side_url: str, database_url: str
) -> None:

    async with (
        projecting(log, read_side_url, name="first", batch_size=1) as first,
        projecting(log, read_side_url, name="second", batch_size=1) as second,
    ):
        events = await write_lives(log, range(10), random.Random(1))
        await caught_up(log, first)
        await caught_up(log, second)
    assert rows(read_side_url, "SELECT count(*) FROM timeline") == [(events,)]
    migrate(database_url)
    await project_all(log, database_url)
    same(read_side(read_side_url), read_side(database_url))


async def test_a_projector_that_was_overtaken_writes_nothing(log: MemoryEventLog, read_side_url: str) -> None:
    slow = Projector(log, read_side_url)
    await slow._open()
    await write(log, Spec(*WORKFLOWS).created().journal)
    batch = await read_batch(log, slow._checkpoints, size=100)
    await project_all(log, read_side_url)
    before = read_side(read_side_url)
    with pytest.raises(CheckpointConflict):
        slow._project(batch)
    slow._close()
    assert read_side(read_side_url) == before


async def test_cut_connections_lose_and_double_nothing(
    log: MemoryEventLog, read_side_url: str, database_url: str
) -> None:

    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headrace victim'"
    events, cuts = 0, 0
    async with projecting(log, read_side_url, name="victim", batch_size=1) as projector:
        for start in range(0, 12, 2):
            events += await write_lives(log, range(start, start + 2), random.Random(start))
            cuts += len(await until(lambda: rows(read_side_url, query)))
        await caught_up(log, projector)
    assert cuts >= 6
    assert rows(read_side_url, "SELECT count(*) FROM timeline") == [(events,)]
    migrate(database_url)
    await project_all(log, database_url)
    same(read_side(read_side_url), read_side(database_url))


async def test_a_connection_cut_in_the_middle_of_a_batch_leaves_nothing_of_it(
    log: MemoryEventLog, read_side_url: str
) -> None:
    journal = Spec(*WORKFLOWS).created().journal
    held = "SELECT pid FROM pg_stat_activity WHERE application_name = 'headrace victim' AND wait_event_type = 'Lock'"
    async with projecting(log, read_side_url, name="victim") as projector:
        await caught_up(log, projector)
        with psycopg.connect(read_side_url) as holder:
            holder.execute("LOCK TABLE timeline IN ACCESS EXCLUSIVE MODE")
            await write(log, journal)
            pids = await until(lambda: rows(read_side_url, held))
            assert await asyncio.to_thread(rows, read_side_url, f"SELECT pg_terminate_backend({pids[0][0]})")
            assert rows(read_side_url, "SELECT count(*) FROM contacts") == [(0,)]
        await caught_up(log, projector)
    assert rows(read_side_url, "SELECT count(*) FROM timeline") == [(len(journal),)]
    assert rows(read_side_url, "SELECT count(*) FROM contacts") == [(1,)]


async def test_a_projector_says_what_keeps_it_from_projecting_until_nothing_does(
    log: MemoryEventLog, read_side_url: str
) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headrace victim'"
    name = rows(read_side_url, "SELECT current_database()")[0][0]
    async with projecting(log, read_side_url, name="victim") as projector:
        await caught_up(log, projector)
        assert projector.trouble is None
        with psycopg.connect(read_side_url, autocommit=True) as owner:
            owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
            owner.execute(cut)
            await write(log, Spec(*WORKFLOWS).created().journal)
            await until(lambda: projector.trouble == "ReadOnlySqlTransaction")
            owner.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
            owner.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await caught_up(log, projector)
        await until(lambda: projector.trouble is None)


async def test_half_a_transaction_is_never_shown(log: MemoryEventLog, read_side_url: str) -> None:
    journal = Spec(*WORKFLOWS).created().journal
    home = home_partition("ada", PARTITIONS)
    async with projecting(log, read_side_url) as projector:
        first, rest = records(home, journal)[:2], records(home, journal)[2:]
        await log.append(first)
        await write(log, named(journal, "bob"))
        bob = home_partition("bob", PARTITIONS)
        assert bob != home, "the two need homes of their own"
        await until(lambda: projector.checkpoints.get((JOURNAL, bob)))
        assert rows(read_side_url, "SELECT DISTINCT contact_id FROM timeline") == [("bob",)]
        await log.append(rest)
        await caught_up(log, projector)
    shown = rows(read_side_url, "SELECT count(*) FROM timeline WHERE contact_id = 'ada'")
    assert shown == [(len(journal),)]


async def test_it_goes_on_from_its_checkpoints(log: MemoryEventLog, read_side_url: str) -> None:
    spec = Spec(*WORKFLOWS).created()
    await write(log, spec.journal)
    await project_all(log, read_side_url)
    spec.started()
    await write(log, spec.last)
    await project_all(log, read_side_url)
    assert rows(read_side_url, "SELECT status, attempts FROM workflow_executions") == [("running", 1)]


# ---------------------------------------------------------------- what it can't do


async def test_an_unreadable_record_stops_it_with_its_place_once_all_before_is_shown(
    log: MemoryEventLog, read_side_url: str
) -> None:
    journal = Spec(*WORKFLOWS).created().journal
    await write(log, journal, partition=1)
    await log.append(
        [NewRecord(topic=JOURNAL, partition=1, key=b"x", value=b"no event", headers=records(1, journal)[-1].headers)]
    )
    with pytest.raises(UnreadableRecord, match=f"headrace.journal, partition 1, offset {len(journal)}: expected"):
        await Projector(log, read_side_url).run()
    assert rows(read_side_url, "SELECT count(*) FROM timeline") == [(len(journal),)]


async def test_an_event_that_contradicts_the_rest_stops_it_with_its_place(
    log: MemoryEventLog, read_side_url: str
) -> None:
    stray = j.EnrollmentCompleted(seq=5, at_ms=NOW, contact_id="ada", enrollment_id=WORKFLOW)
    await write(log, [stray], partition=2)
    with pytest.raises(UnreadableRecord, match=r"partition 2, offset 0.*was never enrolled"):
        await Projector(log, read_side_url).run()
    assert rows(read_side_url, 'SELECT sum("offset") FROM checkpoints') == [(0,)]


async def test_a_database_without_tables_is_a_clear_error(log: MemoryEventLog, database_url: str) -> None:
    with pytest.raises(ProjectionError, match="migrate it first"):
        await Projector(log, database_url).run()


async def test_a_database_that_is_away_is_waited_for_until_it_is_told_to_stop(log: MemoryEventLog) -> None:
    projector = Projector(log, "postgresql://nobody@127.0.0.1:1/nothing")
    tries = 0

    def fail(*_: object) -> Any:
        nonlocal tries
        tries += 1
        return connect(*_)

    connect, projector._connect = projector._connect, fail  # type: ignore[method-assign] counted, not replaced
    task = asyncio.create_task(projector.run())
    await until(lambda: tries > 1)
    projector.stop()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await task
    with pytest.raises(DatabaseUnreachable):
        projector._connect([], 1)
