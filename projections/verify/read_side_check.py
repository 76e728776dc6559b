"""The read side against the ledgers: sums over all rows first, and contact by contact where those differ."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from operator import itemgetter

from domain.partition import home_partition
from projections.verify.differences import row_differences
from projections.verify.digest import add, digest
from projections.verify.fold import refold
from projections.verify.merge import unlike
from projections.verify.place import Place, opened, run, without_garbage_collection
from projections.verify.read_side import Row, Snapshot, Sums, snapshot
from projections.verify.report import Differing


def scan(url: str, snapshot_name: str, kind: str, partitions: int) -> Sums:
    """The sums over all rows of a kind, for all partitions."""
    with without_garbage_collection(), snapshot(url, name=snapshot_name) as shared:
        return shared.sums(kind, partitions)


def name_rows(place: Place, url: str, snapshot_name: str) -> Differing:
    """Which of a partition's contacts have other rows than they must have, and which.

    The ledger tells the contacts, and the journal alone, folded once more from its start, what must be there: so an
    error in the ledger is none of the read side.
    """

    async def work() -> Differing:
        async with opened(place) as (log, ledger):
            with snapshot(url, name=snapshot_name) as shared:
                count, some = unlike(ledger.shown_digests(), _by_contact(shared, place))
            folded = await refold(log, place.partition, ledger.stand.offset, frozenset(some))
        named = [
            difference
            for contact_id, rows in some.items()
            for difference in row_differences(place.partition, contact_id, folded.get(contact_id), rows or [])
        ]
        return Differing(count, tuple(named))

    return run(work())


def _by_contact(shared: Snapshot, place: Place) -> Iterator[tuple[str, int, list[Row]]]:
    """The partition's contacts in order of their ids' bytes: the sum of the digests of their rows, and the rows."""
    kinds = [_ours(shared.rows(kind, in_order=True), place) for kind in ("contacts", "enrollments")]
    for id_, found in itertools.groupby(heapq.merge(*kinds, key=itemgetter(0)), key=itemgetter(0)):
        rows = [row for _, row in found]
        yield id_.decode(), add(0, *map(digest, rows)), rows


def _ours(rows: Iterable[Row], place: Place) -> Iterator[tuple[bytes, Row]]:
    for row in rows:
        id_ = row.contact_id
        if id_ is not None and home_partition(id_, place.partitions) == place.partition:
            yield id_.encode(), row
