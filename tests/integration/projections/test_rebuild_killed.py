"""A rebuild that is killed in the middle, under live load, goes on where it was and ends equal."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headrace.engine_clock import EngineClock
from headrace.jobs.child import ChildJobs
from headrace.jobs.message import Report, decode
from projections.migrations import migrate
from schemas.event_log import EventLog
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL
from streams.embedded.log import EmbeddedEventLog
from tests.integration.projections.test_projector import (
    caught_up,
    project_all,
    projecting,
    read_side,
    rows,
    same,
    until,
)
from tests.integration.projections.test_rebuild import live_load
from tests.support.journals import define, imported, write
from tests.support.random_lives import ACTIONS, TAGS, named, random_life

PARTITIONS = 8
CONTACTS = 60
LOADED = 'SELECT coalesce(sum("offset"), 0)::int FROM headrace_rebuild.checkpoints'
MADE = (
    "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('headrace_rebuild') AND relname = 'checkpoints'"
)
JOB = """
import os, sys
import projections.rebuild.advance
from headrace.jobs.__main__ import main
projections.rebuild.advance.FEW = 1_000  # so that a short journal is shared out to workers
os.nice = lambda _: 0  # other tests take the processors
sys.exit(main())
"""
COMMAND = (sys.executable, "-c", JOB)
LOADERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'headrace rebuild%' AND datname = current_database()"


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    log = await EmbeddedEventLog.open(tmp_path / "log", clock=EngineClock(), fsync=False)
    for topic, partitions in ((JOURNAL, PARTITIONS), (DEAD_LETTERS, PARTITIONS), (DEFINITIONS, 1)):
        await log.create_topic(topic, partitions)
    await define(log, *[imported(one, name=name) for one, name in ((ACTIONS, "Actions"), (TAGS, "Tags"))])
    yield log
    await log.close()


async def write_many(log: EventLog) -> int:
    """One life, lived by many contacts."""
    life = random_life(7, 60).journal
    for number in range(CONTACTS):
        await write(log, named(life, f"many-{number}"))
    return len(life) * CONTACTS


@asynccontextmanager
async def job(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process of a rebuild, killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=os.environ | environment,
    )
    assert process.stdin is not None
    process.stdin.write(b'{"kind": "rebuild", "body": {"workers": 2}}\n')
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@pytest.mark.timeout(300)
async def test_a_rebuild_killed_under_live_load_goes_on_and_ends_equal(
    log: EventLog, read_side_url: str, database_url: str, tmp_path: Path
) -> None:
    environment = {"HEADRACE_DATA_DIR": str(tmp_path), "HEADRACE_DATABASE_URL": read_side_url}
    events = await write_many(log)
    async with projecting(log, read_side_url) as projector:
        await caught_up(log, projector)
        async with live_load(log):
            async with job(environment):
                await until(lambda: rows(read_side_url, MADE)[0][0])
                await until(lambda: rows(read_side_url, LOADED)[0][0] > 10)
            await until(lambda: rows(read_side_url, LOADERS)[0][0] == 0)
            loaded = rows(read_side_url, LOADED)[0][0]
            lines = [
                decode(line) async for line in ChildJobs(environment, command=COMMAND).run("rebuild", {"workers": 2})
            ]
        await caught_up(log, projector)
    assert loaded < events, "it was to be killed in the middle"
    last = lines[-1]
    assert isinstance(last, Report), last
    assert (last.ok, last.report["result"], last.report["resumed"]) == (True, "swapped", True)
    assert [table for table in last.report["tables"] if not table["equal"]] == []
    assert last.report["records"] >= events - loaded
    migrate(database_url)
    await project_all(log, database_url)
    same(read_side(database_url), read_side(read_side_url))
