"""Migrations: from nothing, again, by two at once, refused when the database is newer; and they match the tables."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from projections.database import connect, sqlalchemy_url
from projections.errors import DatabaseTooNew, DatabaseUnreachable
from projections.migrations import migrate
from projections.tables import metadata


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def test_an_empty_database_gets_every_table(database_url: str) -> None:
    migrate(database_url)
    assert _tables(database_url) == set(metadata.tables) | {"alembic_version"}


def test_a_second_run_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO checkpoints VALUES ('t', 0, 7)")
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT * FROM checkpoints").fetchall() == [("t", 0, 7)]


def test_four_starters_at_once_do_not_race(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [database_url] * 4))
    assert _tables(database_url) == set(metadata.tables) | {"alembic_version"}


def test_the_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    migrate(database_url)
    engine = sa.create_engine(sqlalchemy_url(database_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        keys = sa.inspect(connection)
        for table in metadata.tables.values():
            stands = keys.get_columns(table.name)
            assert [column["name"] for column in stands] == [column.name for column in table.columns]
            assert keys.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseTooNew, match=r"9999.*upgrade Headrace"):
        migrate(database_url)


def test_an_unreachable_database_is_a_clear_error_without_its_password() -> None:
    url = "postgresql://someone:hidden@127.0.0.1:1/nothing"
    with pytest.raises(DatabaseUnreachable, match=r"127\.0\.0\.1:1/nothing.*HEADRACE_DATABASE_URL") as raised:
        migrate(url)
    assert "hidden" not in str(raised.value)
    with pytest.raises(DatabaseUnreachable) as raised:
        connect(url, application_name="test")
    assert "hidden" not in str(raised.value)


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(DatabaseUnreachable, match="sqlite"):
        migrate("sqlite:///somewhere")
    with pytest.raises(DatabaseUnreachable, match="expected a URL"):
        migrate("no url at all")


def test_where_definitions_were_in_force_before_the_journals_offsets_were_kept(database_url: str) -> None:
    migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        # as migration 0002 left it
        connection.execute("DROP TABLE catalogue_advances, send_ledger, consents")
        connection.execute(
            "DROP INDEX ix_contacts_email, ix_contacts_phone, ix_enrollments_due, ix_enrollments_in_hand"
        )
        connection.execute("ALTER TABLE workflow_enrollments DROP COLUMN paused_by, DROP COLUMN awaits_event")
        connection.execute('ALTER TABLE timeline DROP COLUMN "offset"')
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
        connection.execute("INSERT INTO checkpoints VALUES ('headrace.journal', 0, 41), ('headrace.journal', 1, 7)")
        connection.execute("INSERT INTO partitions VALUES (0, 5, 5), (1, 0, 0)")
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT * FROM catalogue_advances").fetchall() == [(0, 40, 5)]
