"""Verify on a real Postgres and real stores: what is right is proved right, and what was planted is found and named."""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from domain import journal as j
from domain.partition import home_partition
from projections.errors import ProjectionError
from projections.projector import Projector
from projections.tables import metadata
from projections.verify.plan import Plan
from projections.verify.report import VerifyReport
from projections.verify.verification import verify
from schemas.event_log_errors import UnknownPartition
from schemas.topics import JOURNAL
from streams.opening import open_store
from streams.partition_settings import PartitionSettings
from streams.store import store_path
from streams.store_snapshot import open_store_snapshot
from tests.support.engine_spec import START_MS, Spec
from tests.support.journals import batches, define, imported, make_topics, write
from tests.support.memory_log import MemoryEventLog
from tests.support.random_lives import ACTIONS, TAGS, WORKFLOWS, named, random_life

PARTITIONS = 3
DEADLINE_S = 30


class Installation:
    """A journal of random lives, its rows, its stores, and the verifier's directory."""

    def __init__(self, log: MemoryEventLog, url: str, directory: Path) -> None:
        self.log, self.url, self.directory = log, url, directory
        self.stores = PartitionSettings(directory=directory / "store", partitions=PARTITIONS)

    async def live(self, *contacts: str, seed: int = 0) -> None:
        """The journal goes on by a life each, the read side and the stores follow it."""
        for number, contact_id in enumerate(contacts):
            spec = random_life(seed + number)
            sizes = [len(one) for one in spec.transactions]
            for events in batches(named(spec.journal, contact_id), sizes):
                if events:
                    await write(self.log, events)
        await self.project()
        for partition in range(PARTITIONS):
            (await open_store(self.log, partition, self.stores)).close()

    async def needing_a_person(self, contact_id: str) -> None:
        """A contact whose enrollment waits for a person."""
        spec = Spec(*WORKFLOWS).created().started().outcome("failed", code="refused")
        await write(self.log, named(spec.journal, contact_id))
        await self.live()

    async def project(self) -> None:
        projector = Projector(self.log, self.url)
        task = asyncio.create_task(projector.run())
        ends = {(JOURNAL, number): await self.log.end_offset(JOURNAL, number) for number in range(PARTITIONS)}
        async with asyncio.timeout(DEADLINE_S):
            while not projector.checkpoints or any(projector.checkpoints[at] < end for at, end in ends.items()):
                assert not task.done(), task
                await asyncio.sleep(0.01)
        projector.stop()
        await task

    async def verify(self, **given: Any) -> VerifyReport:
        @contextlib.asynccontextmanager
        async def open_log():
            yield self.log

        with ThreadPoolExecutor(2) as processes:
            plan = {
                "open_log": open_log,
                "directory": self.directory / "verify",
                "processes": processes,
                "database_url": self.url,
                "open_store": partial(open_store_snapshot, self.directory / "store"),
            }
            return await verify(Plan(**(plan | given)))

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                assert connection.execute(statement.encode()).rowcount, f"nothing was planted by {statement}"

    @contextlib.contextmanager
    def planted(self, table: str, *statements: str) -> Iterator[None]:
        """A wrong row, and none after it."""
        saved = f"CREATE TABLE saved AS SELECT * FROM {table}"
        back = (f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM saved", "DROP TABLE saved")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(saved.encode())
            self.sql(*statements)
            yield
            for statement in back:
                connection.execute(statement.encode())

    def value(self, query: str) -> Any:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None, query
        return row[0]

    def in_store(self, contact_id: str, *statements: str) -> None:
        path = store_path(self.directory / "store", home_partition(contact_id, PARTITIONS))
        with contextlib.closing(sqlite3.connect(path)) as store:
            for statement in statements:
                assert store.execute(statement).rowcount, f"nothing was planted by {statement}"
            store.commit()


@pytest.fixture
async def here(read_side_url: str, tmp_path: Path) -> Installation:
    log = MemoryEventLog()
    await make_topics(log, PARTITIONS)
    await define(log, *[imported(one, name=name) for one, name in ((ACTIONS, "Actions"), (TAGS, "Tags"))])
    here = Installation(log, read_side_url, tmp_path)
    stopped = Spec().created().fact("contact.sms_received", {"body": "STOP", "from": "+1555"})
    await write(log, named(stopped.journal, "stopped"))
    await here.live(*[f"contact-{number}" for number in range(12)])
    return here


def named_by(report: VerifyReport) -> list[tuple[Any, ...]]:
    return [(one.contact_id, one.table, one.column, one.expected, one.found) for one in report.differences]


async def journal_length(here: Installation) -> int:
    return sum([await here.log.end_offset(JOURNAL, number) for number in range(PARTITIONS)])


# ---------------------------------------------------------------- what is right


async def test_what_is_right_is_proved_right_and_the_next_time_only_what_is_new_is_folded(here: Installation) -> None:
    head = {"at_ms": 1, "contact_id": j.PARTITION_KEY}
    await write(here.log, [j.PartitionOpened(seq=1, fires_from_ms=0, **head)], partition=1)
    await write(here.log, [j.CatalogueAdvanced(seq=2, offset=5, **head)], partition=1)
    await here.live("later")
    length = await journal_length(here)
    told = []
    report = await here.verify(progress=lambda done, total: told.append((done, total)))
    assert report.ok, named_by(report)
    assert (report.events, report.folded, report.contacts, report.differing) == (length, length, 14, 0)
    assert told[-1] == (length, length)
    for one in report.partitions:
        assert one.read_side is not None
        assert one.store is not None
        assert one.read_side.expected == one.read_side.found != one.store.expected == one.store.found
    assert len({one.read_side.found for one in report.partitions if one.read_side}) == PARTITIONS

    again = await here.verify()
    assert (again.ok, again.folded, again.events) == (True, 0, length)
    await here.live("even-later", seed=50)
    more = await journal_length(here) - length
    last = await here.verify()
    assert (last.ok, last.folded, last.events) == (True, more, length + more)
    anew = await here.verify(from_start=True)
    assert anew.folded == length + more
    assert [one.read_side for one in anew.partitions] == [one.read_side for one in last.partitions]
    assert [one.store for one in anew.partitions] == [one.store for one in last.partitions]


async def test_rows_are_compared_at_the_checkpoint_and_stores_where_they_stand(here: Installation) -> None:
    for contact_id in ("x", "y", "z"):  # in the journal and the stores, not projected yet
        await write(here.log, named(random_life(9).journal, contact_id))
    for partition in range(PARTITIONS):
        (await open_store(here.log, partition, here.stores)).close()
    report = await here.verify()
    assert report.ok, named_by(report)
    ahead = [one.store.offset - one.read_side.offset for one in report.partitions if one.store and one.read_side]
    assert sum(ahead) == 3 * len(random_life(9).journal)


async def test_one_partition_alone_and_stores_alone(here: Installation) -> None:
    report = await here.verify(partition=1)
    assert [one.partition for one in report.partitions] == [1]
    assert report.ok
    with pytest.raises(UnknownPartition, match="expected a partition below 3, found 3"):
        await here.verify(partition=3)
    report = await here.verify(database_url=None, directory=here.directory / "stores alone")
    assert [(one.ok, one.read_side, one.store is not None) for one in report.partitions] == [(True, None, True)] * 3


async def test_a_machine_without_stores_says_so_and_folds_for_none(here: Installation) -> None:
    elsewhere = partial(open_store_snapshot, here.directory / "nowhere")
    report = await here.verify(open_store=elsewhere)
    assert report.ok
    assert {one.store_note for one in report.partitions} == {"no store on this machine"}
    report = await here.verify(open_store=elsewhere, database_url=None, directory=here.directory / "stores alone")
    assert report.folded == 0


async def test_a_database_without_tables_is_named(here: Installation, database_url: str) -> None:
    with pytest.raises(ProjectionError, match="expected the read side's tables"):
        await here.verify(database_url=database_url)


# ---------------------------------------------------------------- what was planted


async def test_planted_rows_are_found_and_named(here: Installation) -> None:
    await here.needing_a_person("grace")
    assert (await here.verify()).ok
    enrollment = here.value(
        "SELECT id::text FROM workflow_enrollments WHERE contact_id = 'contact-3' AND id IN "
        "(SELECT enrollment_id FROM workflow_executions WHERE status = 'completed') ORDER BY enrolled_at LIMIT 1"
    )
    name = here.value("SELECT first_name FROM contacts WHERE id = 'contact-7'")
    lines = here.value("SELECT count(*) FROM timeline WHERE contact_id = 'contact-2'")
    executions = here.value(f"SELECT count(*) FROM workflow_executions WHERE enrollment_id = '{enrollment}'")
    version = here.value(f"SELECT version FROM workflow_enrollments WHERE id = '{enrollment}'")
    incident = here.value("SELECT id::text FROM incidents WHERE status = 'open' AND enrollment_id IS NOT NULL LIMIT 1")
    whose = here.value(f"SELECT contact_id FROM incidents WHERE id = '{incident}'")
    extra = "00000000-0000-8000-8000-000000000000"
    columns = ", ".join(here.value("SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = 'workflow_enrollments' AND column_name <> 'id'"))  # fmt: skip
    one = f"WHERE id = '{enrollment}'"
    cases: Sequence[tuple[str, str, tuple[Any, ...]]] = (
        (
            "contacts",
            "UPDATE contacts SET first_name = 'Eve' WHERE id = 'contact-7'",
            ("contact-7", "contacts", "first_name", name, "Eve"),
        ),
        (
            "contacts",
            "DELETE FROM contacts WHERE id = 'contact-5'",
            ("contact-5", "contacts", "id", "contact-5", None),
        ),
        (
            "contacts",
            "INSERT INTO contacts (id, created, seq, created_at, updated_at) VALUES ('eve', true, 1, now(), now())",
            ("eve", "contacts", "id", None, "eve"),
        ),
        (
            "workflow_enrollments",
            f"UPDATE workflow_enrollments SET version = 7 {one}",
            ("contact-3", "workflow_enrollments", "version", version, 7),
        ),
        (
            "workflow_enrollments",
            f"DELETE FROM workflow_enrollments {one}",
            ("contact-3", "workflow_enrollments", "id", enrollment, None),
        ),
        (
            "workflow_enrollments",
            f"INSERT INTO workflow_enrollments (id, {columns}) SELECT '{extra}', {columns} FROM workflow_enrollments {one}",
            ("contact-3", "workflow_enrollments", "id", None, extra),
        ),
        (
            "workflow_executions",
            f"DELETE FROM workflow_executions WHERE id = (SELECT id FROM workflow_executions WHERE enrollment_id = '{enrollment}' AND status = 'completed' LIMIT 1)",
            ("contact-3", "workflow_executions", "number of rows", executions, executions - 1),
        ),
        (
            "timeline",
            "DELETE FROM timeline WHERE contact_id = 'contact-2' AND seq = 2",
            ("contact-2", "timeline", "number of rows", lines, lines - 1),
        ),
        (
            "incidents",
            f"UPDATE incidents SET status = 'resolved' WHERE id = '{incident}'",
            (whose, "incidents", "open rows", [incident], []),
        ),
        (
            "workflow_executions",
            f"INSERT INTO workflow_executions (id, enrollment_id, step_id, step_type, visit, attempts, seq) VALUES ('{extra}', '{extra}', 's', 'delay', 1, 0, 1)",
            (None, "workflow_executions", "enrollment_id", "the id of an enrollment", extra),
        ),
        (
            "consents",
            "DELETE FROM consents",
            ("stopped", "consents", "rows that forbid", [["sms", "+1555", "opted_out", START_MS]], []),
        ),
        (
            "partitions",
            "UPDATE partitions SET catalogue_offset = 99 WHERE partition = 2",
            (None, "partitions", "catalogue_offset", 0, 99),
        ),
    )
    for table, statement, expected in cases:
        with here.planted(table, statement):
            report = await here.verify()
        assert not report.ok, statement
        assert expected in named_by(report), (statement, named_by(report))
        assert report.differing in (1, 2), statement
        broken = [one for one in report.partitions if not one.ok]
        assert all(one.store and one.store.ok for one in report.partitions)
        if expected[0] is not None:
            assert [one.partition for one in broken] == [home_partition(expected[0], PARTITIONS)]
    assert (await here.verify()).ok


async def test_a_tampered_store_is_found_and_named(here: Installation) -> None:
    assert (await here.verify()).ok
    one, other, third = "contact-1", "contact-4", "contact-6"
    path = store_path(here.directory / "store", home_partition(one, PARTITIONS))
    with contextlib.closing(sqlite3.connect(path)) as store:
        (state,) = store.execute("SELECT state FROM contacts WHERE id = ?", [one]).fetchone()
        eve = msgspec.json.decode(state)
        ada = eve["contact"]["first_name"]
        eve["contact"]["first_name"] = "Eve"
        store.execute("UPDATE contacts SET state = ? WHERE id = ?", [msgspec.json.encode(eve), one])
        store.commit()
    here.in_store(other, f"DELETE FROM contacts WHERE id = '{other}'")
    here.in_store(third, f"UPDATE contacts SET due_ms = 5 WHERE id = '{third}'")
    report = await here.verify()
    found = named_by(report)
    assert (one, "store", "contact.first_name", ada, "Eve") in found
    assert (other, "store", "id", other, None) in found
    assert [line[:3] for line in found if line[0] == third] == [(third, "store", "due_ms")]
    assert all(one.read_side and one.read_side.ok for one in report.partitions)
    assert not report.ok


async def test_an_error_in_the_verifiers_own_memory_is_no_difference(here: Installation) -> None:
    assert (await here.verify()).ok
    with contextlib.closing(sqlite3.connect(here.directory / "verify" / "partition-0.sqlite")) as ledger:
        ledger.execute("UPDATE contacts SET shown = zeroblob(16)")
        (body,) = ledger.execute("SELECT body FROM meta").fetchone()
        wrong = msgspec.json.decode(body) | {"shown": "AAAAAAAAAAAAAAAAAAAAAQ=="}
        ledger.execute("UPDATE meta SET body = ?", [msgspec.json.encode(wrong)])
        ledger.commit()
    report = await here.verify()
    assert report.ok, named_by(report)
    assert report.folded == report.partitions[0].events


async def test_a_read_side_that_was_set_back_is_verified_from_the_start(here: Installation) -> None:
    assert (await here.verify()).ok
    await here.live("late", seed=20)
    here.sql("DELETE FROM checkpoints WHERE topic = 'headrace.journal'")
    kept = {"checkpoints", "workflows", "workflow_versions", "templates"}
    tables = ", ".join(table.name for table in metadata.sorted_tables if table.name not in kept)
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}".encode())
    report = await here.verify()  # nothing is projected, and nothing is there
    assert report.events == 0
    assert {one.column for one in report.differences} == {"partition"}
    await here.project()
    assert (await here.verify()).ok


def test_random_lives_hold_everything_that_can_differ() -> None:
    """Else the tests above would prove little."""
    kinds = {type(event) for seed in range(12) for event in random_life(seed).journal}
    assert {j.IncidentOpened, j.TimerSet, j.AttemptUnknown, j.EnrollmentCancelled, j.EnrollmentPaused} <= kinds
    assert random.Random(0).random() != random.Random(1).random()
