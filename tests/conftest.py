"""Fixtures that all tests share: a Postgres server, and databases on it."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from projections.migrations import migrate
from projections.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server: HEADRACE_TEST_DATABASE_URL, or an embedded one of this test process."""
    given = os.environ.get("HEADRACE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    embedded = EmbeddedPostgres()
    yield embedded.start(Path(tmp_path_factory.mktemp("pg")))
    embedded.stop()


@pytest.fixture(scope="session")
def _migrated_template(postgres_server: str) -> Iterator[str]:
    with _database(postgres_server) as url:
        migrate(url)
        yield _name(url)


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture
def read_side_url(postgres_server: str, _migrated_template: str) -> Iterator[str]:
    """The URL of a database with the read side's tables, all empty, dropped after the test."""
    with _database(postgres_server, template=_migrated_template) as url:
        yield url


class _database:  # noqa: N801 used as a function
    def __init__(self, server: str, template: str = "template1") -> None:
        self._server, self._template = server, template
        self._name = f"headrace_test_{secrets.token_hex(6)}"

    def __enter__(self) -> str:
        self._run("CREATE DATABASE {} TEMPLATE {}", self._name, self._template)
        url = sa.engine.make_url(self._server).set(database=self._name)
        return url.render_as_string(hide_password=False)

    def __exit__(self, *_error: object) -> None:
        self._run("DROP DATABASE {} WITH (FORCE)", self._name)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _name(url: str) -> str:
    name = sa.engine.make_url(url).database
    assert name is not None
    return name
