"""Fixtures of the conformance suite: it runs once for each host."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from schemas.event_log import EventLog
from tests.conformance.hosts import HOSTS, open_log
from tests.support.kafka import kafka, prefix

__all__ = ["kafka", "prefix"]

OpenLog = Callable[[], Awaitable[EventLog]]


@pytest.fixture(params=sorted(HOSTS))
def host(request: pytest.FixtureRequest) -> str:
    """The name of the host under test."""
    return str(request.param)


@pytest.fixture
def location(host: str, tmp_path: Path, prefix: str, request: pytest.FixtureRequest) -> str:
    """Where the host keeps the log of this test."""
    return f"{request.getfixturevalue('kafka')}/{prefix}" if host == "kafka" else str(tmp_path / "log")


@pytest.fixture
async def reopen(host: str, location: str) -> AsyncIterator[OpenLog]:
    """Opens the same log each time it is called; the last one is closed after the test."""
    opened: list[EventLog] = []

    async def open_again() -> EventLog:
        opened.append(await open_log(host, location))
        return opened[-1]

    yield open_again
    for log in opened[-1:]:
        await log.close()


@pytest.fixture
async def log(reopen: OpenLog) -> EventLog:
    """An empty log with the topics `journal` and `changes`, of 4 partitions each."""
    log = await reopen()
    await log.create_topic("journal", 4)
    await log.create_topic("changes", 4)
    return log
