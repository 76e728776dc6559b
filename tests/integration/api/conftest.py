"""The API as its callers meet it: a real server, a real HTTP client, a real Postgres, and a log in memory."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from psycopg_pool import AsyncConnectionPool

from api.app import create_api
from api.progress import ReadSideProgress
from api.services import Services
from schemas.topics import DEFINITION_COMMANDS, DEFINITIONS, Topics
from tests.integration.api.caller import Caller
from tests.integration.api.read_side import ReadSide
from tests.support.memory_log import MemoryEventLog

PARTITIONS = 4


@pytest.fixture
async def read_side(read_side_url) -> AsyncIterator[ReadSide]:
    """The read side's tables, for a test to fill as the projector would."""
    async with ReadSide(read_side_url) as opened:
        yield opened


@pytest.fixture
async def log() -> MemoryEventLog:
    """A log with all topics, empty."""
    made = MemoryEventLog()
    for topic in Topics().by_contact:
        await made.create_topic(topic, PARTITIONS)
    for topic in (DEFINITION_COMMANDS, DEFINITIONS):
        await made.create_topic(topic, 1)
    return made


@pytest.fixture
def settings() -> dict:
    """What a test wants other than usual of `Services`; override it by parametrization."""
    return {}


@pytest.fixture
async def api(read_side, log, settings) -> AsyncIterator[Caller]:
    """A caller of a running API."""
    async with AsyncConnectionPool(read_side.url, min_size=1, max_size=4, open=False) as pool:
        services = Services(
            **{
                "database": pool,
                "commands": log,
                "progress": ReadSideProgress(read_side.url, pool, partitions=PARTITIONS),
                "clock": lambda: 1_800_000_000_000,
                "partitions": PARTITIONS,
                "wait_seconds": 10,
            }
            | settings
        )
        async with TestClient(TestServer(create_api(services))) as client:
            yield Caller(client, log, read_side)
