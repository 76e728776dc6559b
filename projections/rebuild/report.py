"""What a rebuild tells when it is done."""

from typing import Literal

import msgspec

Result = Literal["swapped", "rolled_back", "equal", "kept"]
"""`equal`, `kept`: nothing was swapped, as live is the same, or as live is to stay although it differs."""


class ColumnDifference(msgspec.Struct, frozen=True):
    """A column's two values, as JSON."""

    column: str
    live: msgspec.Raw
    rebuilt: msgspec.Raw


class Difference(msgspec.Struct, frozen=True):
    """A row that is not the same in live and rebuilt."""

    key: dict[str, msgspec.Raw]
    found: Literal["in both", "in live only", "rebuilt only"]
    columns: list[ColumnDifference] = []


class TableComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One table, live and rebuilt, at the same checkpoints. The checksums don't depend on the rows' order."""

    table: str
    equal: bool
    rows_live: int
    rows_rebuilt: int
    checksum_live: str
    checksum_rebuilt: str
    differing: int = 0
    """How many rows differ."""
    first: list[Difference] = []
    """The first of them, by key."""


class RebuildReport(msgspec.Struct, kw_only=True):
    """What a rebuild did and found."""

    projections: list[str]
    result: Result = "kept"
    resumed: bool = False
    """Whether it went on from what an earlier one had left."""
    anew: str | None = None
    """Why what an earlier one had left was no use, if it was none."""
    records: int = 0
    """How many were projected, by this run."""
    seconds: float = 0.0
    """What that took, without indexes and comparison."""
    tables: list[TableComparison] | None = None
    """The comparison; None when live had nothing to compare with."""
    previous: str | None = None
    """The schema where the tables that were live before are kept."""
    reads_paused_ms: float = 0.0
    """For how long the swap kept readers of live waiting, at most."""

    @property
    def equal(self) -> bool:
        """Whether no table differs."""
        return all(table.equal for table in self.tables or ())
