"""Reaching the read side's database: one place for how a connection is made."""

from typing import Any

import psycopg
import sqlalchemy as sa

from projections.errors import DatabaseUnreachable

CONNECT_SECONDS = 10


def connect(url: str, *, application_name: str, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection that notices within a minute when its server is gone.

    Raises:
        DatabaseUnreachable: it could not be made.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            application_name=application_name,
            connect_timeout=CONNECT_SECONDS,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
    except psycopg.OperationalError as error:
        raise unreachable(url, error) from error


def unreachable(url: str, error: Exception) -> DatabaseUnreachable:
    """The error to raise when the database at `url` does not answer; it tells no password."""
    shown = sa.engine.make_url(url).render_as_string(hide_password=True)
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DatabaseUnreachable(
        f"expected a Postgres database at {shown}, but: {reason}. Check HEADRACE_DATABASE_URL and that the server is up"
    )


def sqlalchemy_url(url: str) -> sa.engine.URL:
    """The URL for SQLAlchemy, with psycopg as its driver.

    Raises:
        DatabaseUnreachable: it is not a Postgres URL.
    """
    try:
        parsed = sa.engine.make_url(url)
    except sa.exc.ArgumentError as error:
        message = "expected a URL as postgresql://user@host/database in HEADRACE_DATABASE_URL, found something else"
        raise DatabaseUnreachable(message) from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        message = f"expected a postgresql:// URL in HEADRACE_DATABASE_URL, found {parsed.drivername}://"
        raise DatabaseUnreachable(message)
    return parsed.set(drivername="postgresql+psycopg")
