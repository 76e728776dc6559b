"""Migrations of the read side's tables: `migrate(url)` brings a database to this version of Headrace."""

from typing import Final

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from projections.database import CONNECT_SECONDS, sqlalchemy_url, unreachable
from projections.errors import DatabaseTooNew

log = structlog.get_logger()

LOCK: Final = 0x48EAD2ACE
"""The advisory lock under which a database is migrated, so that two starters go one after the other."""


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest migration, all of it in one transaction.

    Raises:
        DatabaseUnreachable: there is no Postgres at the URL.
        DatabaseTooNew: the database knows a migration that this version of Headrace does not.
    """
    engine = sa.create_engine(
        sqlalchemy_url(url), poolclass=sa.NullPool, connect_args={"connect_timeout": CONNECT_SECONDS}
    )
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            _upgrade(connection)
    except sa.exc.OperationalError as error:
        raise unreachable(url, error.orig or error) from error


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "projections:migrations")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        message = (
            f"the database is at migration {found}, which this version of Headrace does not know "
            f"(its newest is {scripts.get_current_head()}): upgrade Headrace, or give it a database of its own"
        )
        raise DatabaseTooNew(message)
    command.upgrade(config, "head")
    log.info("database.migrated", was=found, now=scripts.get_current_head())
