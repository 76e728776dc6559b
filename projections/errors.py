"""What the read side may refuse."""

from domain.errors import HeadraceError


class ProjectionError(HeadraceError):
    """The read side could not be kept up to date."""


class DatabaseUnreachable(ProjectionError):
    """The read side's database does not answer; check HEADRACE_DATABASE_URL and that the server is up."""


class DatabaseTooNew(ProjectionError):
    """The database was migrated by a newer Headrace; upgrade this one, or give it a database of its own."""


class EmbeddedPostgresError(ProjectionError):
    """The embedded Postgres could not be started; set HEADRACE_DATABASE_URL to use a server of your own."""


class CheckpointConflict(ProjectionError):
    """Another projector has moved a checkpoint meanwhile; nothing was written."""


class UnreadableRecord(ProjectionError):
    """A record can't be projected; nothing from it on was written."""


class MissingRecord(ProjectionError):
    """The log does not hold a record that the read side was made of; rebuild the read side."""
