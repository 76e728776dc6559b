"""A data directory of the first version: its read side says what it lacks, a rebuild brings it, and all is proved right.

`tests/golden/upgrade` is what that version left when it was killed: log, store (format 1), and tables (migration 0002).
"""

import contextlib
import gzip
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest

from projections.migrations import migrate
from projections.rebuild import RebuildSession, plan_of, rebuild
from projections.stale import stale_tables
from projections.verify.plan import Plan
from projections.verify.verification import verify
from streams.embedded.log import EmbeddedEventLog
from streams.opening import open_store
from streams.partition_settings import PartitionSettings
from streams.store_snapshot import open_store_snapshot

GOLDEN = Path(__file__).parents[2] / "golden" / "upgrade"
CONTACTS = ["old-1", "old-2", "old-3", "old-nophone"]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EmbeddedEventLog]:
    for folder, name in (("log", "log.sqlite"), ("store", "partition-0.sqlite")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(gzip.decompress((GOLDEN / f"{name}.gz").read_bytes()))
    log = await EmbeddedEventLog.open(tmp_path / "log", clock=lambda: 0, fsync=False)
    yield log
    await log.close()


async def test_a_rebuild_brings_what_the_tables_of_before_the_upgrade_lack(
    log: EmbeddedEventLog, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(gzip.decompress((GOLDEN / "read_side.sql.gz").read_bytes()))

    migrate(database_url)
    lacking = ("catalogue_advances", "send_ledger", "timeline", "workflow_enrollments")
    assert stale_tables(database_url) == lacking
    migrate(database_url)
    assert stale_tables(database_url) == lacking, "a second start said nothing any more"

    def no_pool(_: int) -> ThreadPoolExecutor:
        raise AssertionError("one worker is this process")

    def session() -> RebuildSession:
        return RebuildSession(lambda: contextlib.nullcontext(log), database_url, pool=no_pool, workers=1)

    async with session() as one:
        await rebuild(one, plan_of(["ledger"]))
    assert "send_ledger" not in stale_tables(database_url)
    assert "timeline" in stale_tables(database_url), "it was not rebuilt"
    async with session() as all_of_it:
        assert (await rebuild(all_of_it, plan_of([]))).result == "swapped"
    assert stale_tables(database_url) == ()
    with psycopg.connect(database_url) as connection:
        sent = "SELECT contact_id, channel, outcome FROM send_ledger WHERE channel <> 'http' ORDER BY 1, 2"
        taken = [(contact, channel, "succeeded") for contact in CONTACTS[:3] for channel in ("email", "sms")]
        assert connection.execute(sent).fetchall()[: len(taken)] == taken
        assert connection.execute('SELECT count(*) FROM timeline WHERE "offset" IS NULL').fetchone() == (0,)


async def test_its_store_is_folded_anew_and_verify_agrees(
    log: EmbeddedEventLog, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(gzip.decompress((GOLDEN / "read_side.sql.gz").read_bytes()))
    migrate(database_url)

    store = await open_store(log, 0, PartitionSettings(directory=tmp_path / "store", partitions=1))
    assert [contact_id for contact_id, _ in store.contents()] == CONTACTS
    assert store.get("old-2").last_sms_reply == "yes please"
    store.close()

    @contextlib.asynccontextmanager
    async def open_log() -> AsyncIterator[EmbeddedEventLog]:
        yield log

    with ThreadPoolExecutor(1) as processes:
        report = await verify(
            Plan(
                open_log=open_log,
                directory=tmp_path / "verify",
                processes=processes,
                database_url=database_url,
                open_store=partial(open_store_snapshot, tmp_path / "store"),
            )
        )
    assert report.differences == ()
    assert report.ok
