"""Upcasters: how a record of an older version becomes one of the next; pure, and kept for as long as the log is.

A version is given to a type only when its shape changes in a way that older records do not fit: see
docs/reference/journal.md for which changes those are, and for the fixtures that go with them.
"""

from typing import Final

from schemas.versioned import Upcasters

JOURNAL_UPCASTERS: Final[Upcasters] = {}
"""(type, n) -> from version n of this journal event to n + 1. All types are at their first version."""

DEFINITION_UPCASTERS: Final[Upcasters] = {}
"""The same for definition events."""
