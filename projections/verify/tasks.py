"""What worker processes do to bring a partition's ledger to an offset."""

from typing import Final

from projections.verify.fold import PartitionFold
from projections.verify.ledger import Stand
from projections.verify.place import Place, run

_AT_ONCE: Final = 250_000
"""Records that are folded before the process tells how far it is."""


def begin(place: Place, *, from_start: bool) -> Stand:
    """Where the partition's ledger stands: at the journal's start if that is asked for."""
    with place.open_ledger() as ledger:
        if from_start:
            ledger.begin_anew()
        ledger.commit()
        return ledger.stand


def fold_on(place: Place, to: int) -> Stand:
    """Fold towards the offset `to`, for a second or so."""

    async def work() -> Stand:
        with place.open_ledger() as ledger:
            async with place.open_log() as log:
                await PartitionFold(log, place.partition, ledger).advance(to, at_most=_AT_ONCE)
            ledger.commit()
            return ledger.stand

    return run(work())
