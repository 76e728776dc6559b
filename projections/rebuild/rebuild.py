"""A rebuild: make tables beside the live ones, load and index them, compare them with live, swap."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
import psycopg
import structlog

from projections.errors import ProjectionError
from projections.projector import NOTIFY
from projections.rebuild.advance import Advance
from projections.rebuild.errors import NothingToRollBackTo, OutOfReach
from projections.rebuild.marker import PREVIOUS, SHADOW, Marker
from projections.rebuild.plan import ALL_TABLES, Plan, plan_of
from projections.rebuild.report import RebuildReport, TableComparison
from projections.rebuild.session import RebuildSession
from projections.rebuild.shadow import Index, drop_schema, missing_indexes
from projections.rebuild.snapshot import Snapshot
from projections.rebuild.swap import OUTDATED, Cursor, swap

log = structlog.get_logger()

SHORTEST_PATIENCE_S: Final = 0.05
LONGEST_PATIENCE_S: Final = 0.8
"""For how long a swap waits for a reader, as others wait behind it. Below a second, when Postgres looks for deadlocks."""
SWAP_WITHIN_S: Final = 60.0


async def rebuild(
    session: RebuildSession, plan: Plan, *, swapping: bool = True, keep_if_different: bool = False
) -> RebuildReport:
    """Rebuild, compare with live and swap.

    Args:
        session: entered.
        plan: what to rebuild.
        swapping: False to compare only.
        keep_if_different: leave live as it is when it differs.

    Raises:
        ProjectionError: it can't be done; what was loaded is kept, and the next rebuild goes on from there.
    """
    report = RebuildReport(projections=list(plan.names))
    if swapping:
        await session.control.nothing_hangs_on(plan.tables)
    marker = await session.marker(plan)
    await _find_shadow(session, marker, report)
    async with session.advancing(SHADOW, plan) as advance:
        began = time.monotonic()
        await advance.to(await (session.first_bounds(plan) if swapping else session.bounds(SHADOW)))
        report.records, report.seconds = advance.records, round(time.monotonic() - began, 3)
        await _index(session)
        report.tables = await _compare(session, advance, plan, marker)
        if swapping and not (keep_if_different and not report.equal):
            await _swap(session, advance, SHADOW, plan, marker, report)
            report.result = "swapped"
        elif report.equal:
            report.result = "equal"
            await session.control.do(lambda cursor: drop_schema(cursor, SHADOW))
    log.info("rebuild.done", result=report.result, equal=report.equal, records=report.records, seconds=report.seconds)
    return report


async def roll_back(session: RebuildSession) -> RebuildReport:
    """Make the previous tables live again, brought up to where live is; live's become the previous ones.

    Raises:
        NothingToRollBackTo: there are none.
        ProjectionError: they don't fit to this database any more.
    """
    kept = await session.control.marker(PREVIOUS)
    if kept is None:
        raise NothingToRollBackTo
    plan = plan_of(kept.projections)
    marker = await session.marker(plan)
    unfit = kept.differs_from(msgspec.structs.replace(marker, code=kept.code))
    if unfit is not None:
        message = f"the previous tables can't go live again, as {unfit}; rebuild instead"
        raise ProjectionError(message)
    await session.control.nothing_hangs_on(plan.tables)
    report = RebuildReport(projections=list(plan.names))
    async with session.advancing(PREVIOUS, plan) as advance:
        began = time.monotonic()
        await advance.to(await session.bounds(PREVIOUS))
        report.records, report.seconds = advance.records, round(time.monotonic() - began, 3)
        await _swap(session, advance, PREVIOUS, plan, marker, report)
    report.result = "rolled_back"
    log.info("rebuild.rolled_back", records=report.records)
    return report


async def _find_shadow(session: RebuildSession, marker: Marker, report: RebuildReport) -> None:
    """Go on with what an earlier rebuild left, when it fits; else begin anew."""
    found = await session.control.marker(SHADOW)
    if found is not None:
        report.anew = found.differs_from(marker)
        report.resumed = report.anew is None
    if not report.resumed:
        await session.control.make_shadow(marker)
    log.info("rebuild.started", projections=marker.projections, resumed=report.resumed, anew=report.anew)


async def _index(session: RebuildSession) -> None:
    """Make the indexes that loading did without, and let the planner know the tables."""
    control = session.control
    missing = await control.do(lambda cursor: missing_indexes(cursor, control.live))
    for done, index in enumerate(missing):
        session.progress(done, len(missing), "indexes")
        await control.do(_make(index))
    if missing:
        session.progress(len(missing), len(missing), "indexes")
        tables = ", ".join(f"{SHADOW}.{table}" for table in ALL_TABLES)
        await control.do(lambda cursor: cursor.execute(f"ANALYZE {tables}".encode()))


def _make(index: Index) -> Callable[[Cursor], None]:
    def make(cursor: Cursor) -> None:
        cursor.execute(index.statement.encode())

    return make


async def _compare(
    session: RebuildSession, advance: Advance, plan: Plan, marker: Marker
) -> list[TableComparison] | None:
    """Compare at equal checkpoints of every source: a moment of it is held, and its snapshot read at leisure."""
    async with session.level(advance, SHADOW, marker.migration):
        if not await session.is_level(SHADOW):
            return None
        snapshot = await asyncio.to_thread(Snapshot, session.database_url, session.workers)
    with snapshot:
        total = len(plan.tables)
        return await snapshot.compare(
            plan.tables, session.control.live, SHADOW, lambda done: session.progress(done, total, "tables")
        )


async def _swap(
    session: RebuildSession, advance: Advance, schema: str, plan: Plan, marker: Marker, report: RebuildReport
) -> None:
    """Swap, once nobody reads live for a moment.

    Raises:
        OutOfReach: there was no such moment.
    """
    patience, deadline = SHORTEST_PATIENCE_S, time.monotonic() + SWAP_WITHIN_S
    while True:
        try:
            async with session.level(advance, schema, marker.migration) as cursor:
                if not plan.whole and not await session.is_level(schema):
                    message = (
                        "the live tables are behind the rebuilt ones, and only some of them were rebuilt: wait until the "
                        "projector has caught up, and start the rebuild again"
                    )
                    raise ProjectionError(message)
                began = time.monotonic()
                cursor.execute(f"SET LOCAL lock_timeout = {int(patience * 1000)}".encode())
                await asyncio.to_thread(swap, cursor, session.control.live, schema, plan.tables, marker)
                cursor.execute(NOTIFY)
            break
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            log.info("rebuild.swap_waits", patience_s=patience, reason=str(error).partition("\n")[0])
            if time.monotonic() > deadline:
                raise OutOfReach from error
            await asyncio.sleep(patience)
            patience = min(patience * 2, LONGEST_PATIENCE_S)
    report.reads_paused_ms = round((time.monotonic() - began) * 1000, 1)
    report.previous = PREVIOUS
    await session.control.do(lambda cursor: drop_schema(cursor, OUTDATED))
