"""The read side against the ledgers: sums over all rows first, and contact by contact where those differ."""

import contextlib
import heapq
import itertools
from collections.abc import Iterator, Mapping
from operator import itemgetter

from domain.partition import home_partition
from projections.verify.differences import Found, row_differences
from projections.verify.digest import add, digest
from projections.verify.fold import refold
from projections.verify.lines import NO_CONTACT, contact_id_of
from projections.verify.merge import unlike
from projections.verify.place import Place, run, without_garbage_collection
from projections.verify.read_side import KINDS, Scan, Snapshot, snapshot
from projections.verify.report import Differing


def scan(url: str, snapshot_name: str, kind: str, partitions: int | None) -> Scan:
    """The sums over all rows of a kind; for each partition, given how many there are."""
    with without_garbage_collection(), snapshot(url, name=snapshot_name) as shared:
        return shared.scan(kind, partitions)


def name_rows(place: Place, url: str, snapshot_name: str) -> Differing:
    """Which of a partition's contacts have other rows than they must have, and which.

    The ledger tells the contacts, and the journal alone, folded once more from its start, what must be there: so an
    error in the ledger is none of the read side.
    """

    async def work() -> Differing:
        with place.open_ledger() as ledger, contextlib.ExitStack() as stack:
            kinds = {kind: stack.enter_context(snapshot(url, name=snapshot_name)) for kind in KINDS}  # read at once
            count, some = unlike(ledger.shown_digests(), _by_contact(kinds, place))
            to = ledger.stand.offset
        async with place.open_log() as log:
            folded = await refold(log, place.partition, to, frozenset(some))
        named = [
            difference
            for contact_id, rows in some.items()
            for difference in row_differences(place.partition, contact_id, folded.get(contact_id), rows or [])
        ]
        return Differing(count, tuple(named))

    return run(work())


def _by_contact(kinds: Mapping[str, Snapshot], place: Place) -> Iterator[tuple[str, int, list[Found]]]:
    """The partition's contacts in order of their ids' bytes: the sum of the digests of their rows, and the rows."""
    ours = [_ours(shared, kind, place) for kind, shared in kinds.items()]
    for id_, found in itertools.groupby(heapq.merge(*ours, key=itemgetter(0)), key=itemgetter(0)):
        rows = [row for _, row in found]
        yield id_.decode(), add(digest(line) for _, line in rows), rows


def _ours(shared: Snapshot, kind: str, place: Place) -> Iterator[tuple[bytes, Found]]:
    make = KINDS[kind].make
    for line in shared.lines(kind, in_order=True):
        if line.startswith(NO_CONTACT):
            continue
        id_ = contact_id_of(line)
        if home_partition(id_, place.partitions) == place.partition:
            yield id_.encode(), (make, line)
