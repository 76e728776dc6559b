"""One partition: its ledger at the checkpoint, the read side's sums and its store against it, and what differs by name."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from projections.verify.differences import Difference
from projections.verify.digest import from_bytes, shown
from projections.verify.folding import Folding
from projections.verify.ledger import Stand
from projections.verify.place import Place, partition_row
from projections.verify.plan import Plan
from projections.verify.read_side_check import name_rows
from projections.verify.report import Compared, Differing, PartitionReport
from projections.verify.store_check import StoreCheck, check_store

_COLUMNS: Final = ("catalogue_offset", "reconciled_offset")


class Projected(msgspec.Struct, frozen=True, kw_only=True):
    """What the read side shows of a partition, in one snapshot of it."""

    url: str
    snapshot: str
    digest: int
    row: tuple[int, int] | None


class _Checked(msgspec.Struct, frozen=True, kw_only=True):
    stand: Stand
    read_side: Compared | None
    rows: Differing
    store: StoreCheck

    @property
    def is_doubtful(self) -> bool:
        return self.rows.is_of_the_ledger or self.store.differing.is_of_the_ledger


GetProjected = Callable[[int], Awaitable[Projected]]


async def verify_partition(
    plan: Plan, place: Place, folding: Folding, offset: int, projected: GetProjected | None
) -> PartitionReport:
    """Compare at the offset. A difference that the journal itself does not confirm makes the ledger begin anew."""
    checked = await _check(plan, place, folding, offset, projected)
    if checked.is_doubtful:
        await folding.begin_anew(place)
        checked = await _check(plan, place, folding, offset, projected)
    return _report(place, checked, folding.folded(place.partition))


async def _check(plan: Plan, place: Place, folding: Folding, offset: int, projected: GetProjected | None) -> _Checked:
    stand = await folding.to(place, offset)
    store = await plan.call(check_store, place) if place.open_store else StoreCheck()
    if projected is None:
        return _Checked(stand=stand, read_side=None, rows=Differing(), store=store)
    found = await projected(place.partition)
    wanted, row = from_bytes(stand.shown), _row_difference(place, stand, found)
    rows = Differing()
    if found.digest != wanted:
        rows = await plan.call(name_rows, place, found.url, found.snapshot)
    if row is not None:
        rows = Differing(rows.contacts + 1, (*rows.named, row))
    compared = Compared(offset=offset, expected=shown(wanted), found=shown(found.digest), ok=not rows.contacts)
    return _Checked(stand=stand, read_side=compared, rows=rows, store=store)


def _row_difference(place: Place, stand: Stand, found: Projected) -> Difference | None:
    """How the partition's own row differs; one that is missing, or never was made, differs in its number."""
    wanted, got = partition_row(stand.partition), found.row
    if wanted == got:
        return None
    column = "partition"
    if got is not None:
        column = next(name for name, one, other in zip(_COLUMNS, wanted, got, strict=True) if one != other)
    at = _COLUMNS.index(column) if got is not None else 0
    return Difference(
        partition=place.partition,
        contact_id=None,
        table="partitions",
        key=str(place.partition),
        column=column,
        expected=place.partition if got is None else wanted[at],
        found=None if got is None else got[at],
    )


def _report(place: Place, checked: _Checked, folded: int) -> PartitionReport:
    stand, store = checked.stand, checked.store
    ok = all(one is None or one.ok for one in (checked.read_side, store.compared))
    return PartitionReport(
        partition=place.partition,
        ok=ok,
        events=stand.events,
        folded=folded,
        contacts=stand.contacts,
        read_side=checked.read_side,
        store=store.compared,
        store_note=store.note,
        differing=checked.rows.contacts + store.differing.contacts,
        differences=(*checked.rows.named, *store.differing.named),
    )
