"""An execution: one visit of a step as the read side shows it; its statuses and their transitions."""

from typing import Final

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    "pending": frozenset({"running", "completed", "failed", "skipped"}),
    "running": frozenset({"completed", "failed", "skipped"}),
    "failed": frozenset({"pending", "running", "completed", "skipped"}),
    "completed": frozenset(),
    "skipped": frozenset(),
}
"""Every legal change of an execution's status (`failed` goes on when its incident is retried)."""
