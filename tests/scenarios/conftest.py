"""The two hosts of the scenarios: `headrace dev` on the embedded log, and two workers, a projector and an API on Kafka."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.postgres import EmbeddedPostgres
from tests.support.client import HeadraceClient
from tests.support.cluster import Cluster
from tests.support.dev_process import DevProcess
from tests.support.kafka_broker import JavaBroker
from tests.support.kafka_jars import fetch_jars


@pytest.fixture(scope="module", params=["embedded", "kafka"])
def headrace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadraceClient]:
    """A running Headrace that all scenarios of a module share; each takes contacts and workflows of its own."""
    directory = tmp_path_factory.mktemp(request.param)
    yield from (_embedded if request.param == "embedded" else _kafka)(directory)


def _embedded(directory: Path) -> Iterator[HeadraceClient]:
    process = DevProcess(directory / "data", "--no-sample").start()
    yield process
    process.end()


def _kafka(directory: Path) -> Iterator[HeadraceClient]:
    fetch_jars()
    broker, postgres = JavaBroker(directory / "kafka"), EmbeddedPostgres()
    broker.start()
    cluster = Cluster(directory / "cluster", broker.bootstrap, postgres.start(directory / "postgres"))
    try:
        cluster.create_topics()
        yield cluster.start()
    finally:
        cluster.end()
        postgres.stop()
        broker.kill()
