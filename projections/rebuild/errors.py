"""What a rebuild may refuse."""

from projections.errors import ProjectionError


class RebuildUnderWay(ProjectionError):
    """Another rebuild of this database is under way; wait for its end, or stop it: the next one goes on from there."""


class NothingToRollBackTo(ProjectionError):
    """There are no tables of before in the database: a rollback takes back the last swap, and there was none."""


class OutOfReach(ProjectionError):
    """The live tables could not be had for a moment; the rebuilt ones are kept, and the next rebuild goes on from there."""


class NotThisLog(ProjectionError):
    """The read side was made from another log."""


class InTheWay(ProjectionError):
    """Something in the database hangs on the live tables and would follow them out of use."""
