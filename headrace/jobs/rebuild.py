"""The job `rebuild`: the read side's tables made anew beside the live ones, compared and swapped; or swapped back."""

import msgspec
import psycopg

from headrace.jobs.context import JobContext
from headrace.jobs.message import Report
from headrace.jobs.refusal import Refused
from headrace.jobs.workers import Workers, default_workers, worker_pool
from projections.database import unreachable
from projections.rebuild import RebuildReport, RebuildSession, UnknownProjection, plan_of, rebuild, roll_back


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be rebuilt, and what is to become of it."""

    projections: list[str] = []
    """By name; none: all of them."""
    swap: bool = True
    fail_if_different: bool = False
    """Leave live as it is when it differs from what was rebuilt."""
    rollback: bool = False
    """Don't rebuild: bring the tables back that were live before the last swap."""
    workers: Workers = None


async def run(request: Request, context: JobContext) -> Report:
    """Rebuild, or roll back; not `ok` when live differs and stays as it is."""
    _check(request)
    workers = request.workers or default_workers()
    session = RebuildSession(
        context.open_log, context.database_url, pool=worker_pool, workers=workers, progress=context.progress
    )
    try:
        async with session:
            report = await _do(request, session)
    except psycopg.OperationalError as error:
        raise unreachable(context.database_url, error) from error
    return Report(report, ok=report.result != "kept")


def _check(request: Request) -> None:
    if request.rollback and (request.projections or not request.swap or request.fail_if_different):
        message = (
            "expected a rollback alone, found it with projections or with what a rebuild may be told; leave these out"
        )
        raise Refused(message, code="rollback_alone")


async def _do(request: Request, session: RebuildSession) -> RebuildReport:
    if request.rollback:
        return await roll_back(session)
    try:
        plan = plan_of(request.projections)
    except UnknownProjection as error:
        raise Refused(str(error), code="unknown_projection") from error
    return await rebuild(session, plan, swapping=request.swap, keep_if_different=request.fail_if_different)
