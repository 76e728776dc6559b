"""A broker for engines: the names of Headrace's topics are fixed, so no other test may use it at the same time."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.engine_cluster import EngineCluster
from tests.support.kafka import give_up, kafka, new_broker, prefix
from tests.support.kafka_broker import JavaBroker
from tests.support.kafka_jars import fetch_jars, what_is_missing

__all__ = ["kafka", "new_broker", "prefix"]


@pytest.fixture(scope="session")
def engine_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap servers of a broker of this test process alone."""
    missing = what_is_missing()
    if missing is not None:
        give_up(missing)
    fetch_jars()
    quick_to_miss_a_worker = {"group.min.session.timeout.ms": "1000"}
    broker = JavaBroker(tmp_path_factory.mktemp("engine-broker"), properties=quick_to_miss_a_worker)
    broker.start()
    yield broker.bootstrap
    broker.stop()


@pytest.fixture
async def cluster(engine_broker: str) -> AsyncIterator[EngineCluster]:
    """Headrace's topics, empty, with 8 partitions."""
    cluster = await EngineCluster(engine_broker).open()
    yield cluster
    await cluster.close()
