"""A verification from its beginning to its report: fold, take a snapshot of the read side, compare, name what differs.

The journal is folded before the snapshot is taken, and after it only what came meanwhile: so the snapshots of the
database and of the stores are held for seconds, however long the journal is.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

from projections.verify.differences import Difference, stray_differences
from projections.verify.digest import add, from_bytes
from projections.verify.expected import EnrollmentRow
from projections.verify.folding import Folding
from projections.verify.ledger import Origin, Stand
from projections.verify.partition_check import Projected, verify_partition
from projections.verify.place import Place
from projections.verify.plan import Plan
from projections.verify.read_side import KINDS, Scan, Snapshot, snapshot
from projections.verify.read_side_check import scan
from projections.verify.report import PartitionReport, VerifyReport
from projections.verify.stores import NoStore
from projections.verify.tasks import begin
from schemas.event_log_errors import UnknownPartition
from schemas.topics import JOURNAL


async def verify(plan: Plan) -> VerifyReport:
    """Verify, and tell what was found.

    Raises:
        UnknownPartition: the journal has no partition of the number that was asked for.
        UnreadableRecord: the journal can't be folded.
        ProjectionError: the database can't be reached, or holds no read side.
    """
    began = time.monotonic()
    places, origin = await _places(plan)
    stands = await asyncio.gather(*(plan.call(begin, one, from_start=plan.from_start) for one in places))
    before = {one.partition: stand for one, stand in zip(places, stands, strict=True)}
    folding = Folding(plan, places, before)
    with _snapshot(plan) as first:
        offsets = _offsets(plan, places, origin, first)
    await folding.all_to(offsets)
    with _snapshot(plan) as shared:
        offsets = _offsets(plan, places, origin, shared)
        reports, strays = await _compare(plan, folding, offsets, shared)
    return _report(reports, strays, time.monotonic() - began)


async def _places(plan: Plan) -> tuple[list[Place], Origin]:
    async with plan.open_log() as log:
        partitions = await log.partitions(JOURNAL)
        origin = Origin(log.cluster_id, await log.topic_id(JOURNAL))
    if plan.partition is not None and not 0 <= plan.partition < partitions:
        message = f"expected a partition below {partitions}, found {plan.partition}"
        raise UnknownPartition(message)
    numbers = range(partitions) if plan.partition is None else [plan.partition]
    return [
        Place(
            partition=number,
            partitions=partitions,
            directory=plan.directory,
            origin=origin,
            open_log=plan.open_log,
            open_store=plan.open_store,
        )
        for number in numbers
    ], origin


@contextlib.contextmanager
def _snapshot(plan: Plan) -> Iterator[Snapshot | None]:
    if plan.database_url is None:
        yield None
        return
    with snapshot(plan.database_url) as shared:
        yield shared


def _offsets(plan: Plan, places: Sequence[Place], origin: Origin, shared: Snapshot | None) -> dict[int, int]:
    """Up to where each partition is verified: its checkpoint; without a read side, where its store stands."""
    if shared is not None:
        checkpoints = shared.checkpoints()
        return {one.partition: checkpoints.get((JOURNAL, one.partition), 0) for one in places}
    return {one.partition: _store_offset(plan, one.partition, origin) for one in places}


def _store_offset(plan: Plan, partition: int, origin: Origin) -> int:
    """Where a store stands; 0 where there is none, so that nothing is folded for it."""
    assert plan.open_store is not None, "there is nothing to verify"
    try:
        with plan.open_store(partition, origin) as store:
            return store.offset
    except NoStore:
        return 0


async def _compare(
    plan: Plan, folding: Folding, offsets: Mapping[int, int], shared: Snapshot | None
) -> tuple[list[PartitionReport], tuple[Difference, ...]]:
    if shared is None:
        alone = [verify_partition(plan, one, folding, offsets[one.partition], None) for one in folding.places]
        return await asyncio.gather(*alone), ()
    url, rows = plan.database_url, shared.partitions()
    assert url is not None
    stands = await folding.all_to(offsets)
    scanning = asyncio.ensure_future(_scanned(plan, url, shared.name, folding.places, stands))

    async def projected(partition: int) -> Projected:
        digests, _ = await scanning
        return Projected(url=url, snapshot=shared.name, digest=digests[partition], row=rows.get(partition))

    checks = [verify_partition(plan, one, folding, offsets[one.partition], projected) for one in folding.places]
    reports = await asyncio.gather(*checks)
    _, strays = await scanning
    return reports, tuple(stray_differences(strays))


async def _scanned(
    plan: Plan, url: str, snapshot_name: str, places: Sequence[Place], stands: Sequence[Stand]
) -> tuple[dict[int, int], list[EnrollmentRow]]:
    """The sum of each partition's rows, and the rows that are nobody's.

    A row says whose it is. So if all rows together are what all must be, those of each partition are what they must be,
    and it costs nothing to find out which those are.
    """

    async def scans(partitions: int | None) -> list[Scan]:
        return await asyncio.gather(*[plan.call(scan, url, snapshot_name, kind, partitions) for kind in KINDS])

    if plan.partition is None:
        wanted = {one.partition: from_bytes(stand.shown) for one, stand in zip(places, stands, strict=True)}
        found = await scans(None)
        if add(wanted.values()) == add(one.digests.get(None, 0) for one in found):
            return wanted, [row for one in found for row in one.strays]
    found = await scans(places[0].partitions)
    digests = {number: add(one.digests.get(number, 0) for one in found) for number in range(places[0].partitions)}
    return digests, [row for one in found for row in one.strays]


def _report(reports: Sequence[PartitionReport], strays: Sequence[Difference], seconds: float) -> VerifyReport:
    differences = tuple(difference for one in reports for difference in one.differences)
    return VerifyReport(
        ok=all(one.ok for one in reports) and not strays,
        seconds=round(seconds, 3),
        events=sum(one.events for one in reports),
        folded=sum(one.folded for one in reports),
        contacts=sum(one.contacts for one in reports),
        differing=sum(one.differing for one in reports) + len(strays),
        differences=(*differences, *strays),
        partitions=tuple(reports),
    )
