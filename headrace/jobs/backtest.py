"""Job kind `backtest`: what a version would have done with the facts of the log. Nothing is written or sent."""

import time
from typing import Final, Literal

import msgspec

from domain.backtest.measures import Limit, Prices, read_limit
from domain.backtest.replay import Window
from domain.errors import HeadraceError
from domain.spans import read_since_ms
from domain.times import read_time_ms
from headrace.jobs.backtest_versions import VersionRef, Versions
from headrace.jobs.backtest_workers import replay_partitions
from headrace.jobs.context import JobContext
from headrace.jobs.message import Report
from headrace.jobs.refusal import Refused
from headrace.jobs.workers import Workers
from projections.backtest.definitions import read_definitions
from projections.backtest.plan import Plan, merge
from projections.backtest.report import report
from schemas.event_log import LogReader
from schemas.journal import decode_event
from schemas.topics import JOURNAL

_TAIL: Final = 50
"""Where the last event of a partition stands, at the latest: transaction markers take offsets, too."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for."""

    new: VersionRef
    old: VersionRef | None = None
    """With it, both are compared."""
    workflow: str | None = None
    """The workflow that is tested: its id or name. Else that of `new`."""
    since: str = "30d"
    """A time, a date, or a span before `until`."""
    until: str | None = None
    """A time or a date; else now."""
    outcomes: Literal["succeed", "fail"] = "succeed"
    samples: int = 5
    prices: Prices = Prices()
    fail_if: list[str] = []
    workers: Workers = None


async def run(request: Request, context: JobContext) -> Report:
    """Do it."""
    limits = _limits(request)
    async with context.open_log() as log:
        definitions = await read_definitions(log)
        versions = Versions(definitions)
        workflow_id = versions.tested(request.workflow, request.new, request.old)
        refs = [ref for ref in (request.old, request.new) if ref is not None]
        sides = tuple(versions.side(ref, workflow_id) for ref in refs)
        until_ms = await _until_ms(log, request.until)
        window = Window(workflow_id=workflow_id, since_ms=_since_ms(request.since, until_ms), until_ms=until_ms)
        plan = Plan(
            window=window,
            sides=sides,
            assumed=request.outcomes,
            phone_region=context.settings.phone_region,
            samples=request.samples,
        )
        results = await replay_partitions(log, plan, definitions, context, workers=request.workers)
    names = versions.names | {workflow_id: versions.name_of(workflow_id, refs)}
    found = report(plan, merge(plan, results), names=names, prices=request.prices, limits=limits)
    broken = any(limit["broken"] for limit in found["limits"])
    return Report(found | {"diagnostics": versions.warnings}, ok=not broken)


def _limits(request: Request) -> list[Limit]:
    try:
        limits = [read_limit(text) for text in request.fail_if]
    except HeadraceError as error:
        raise Refused(str(error), code="bad_limit", field="fail_if") from error
    if request.old is None and (one := next((limit for limit in limits if limit.needs_old), None)):
        message = f"{one.text!r} needs something to compare with: use `--compare`, or `headrace diff`"
        raise Refused(message, code="bad_limit", field="fail_if")
    return limits


def _since_ms(text: str, until_ms: int) -> int:
    since_ms = read_since_ms(text, until_ms)
    if since_ms is None:
        raise _no_time(text, "since", "a date, or a span as 30d")
    if since_ms >= until_ms:
        raise Refused(f"expected `since` to be before `until`, found {text!r}", code="bad_window", field="since")
    return since_ms


async def _until_ms(log: LogReader, text: str | None) -> int:
    """Behind the log's last event, if no time is given, and not before now: a faster engine is ahead of the clock."""
    if text is not None:
        until_ms = read_time_ms(text)
        if until_ms is None:
            raise _no_time(text, "until", "or a date")
        return until_ms
    last_ms = time.time_ns() // 1_000_000
    for partition in range(await log.partitions(JOURNAL)):
        end = await log.end_offset(JOURNAL, partition)
        for record in await log.read(JOURNAL, partition, max(0, end - _TAIL), limit=_TAIL):
            last_ms = max(last_ms, decode_event(record.value or b"").at_ms)
    return last_ms + 1


def _no_time(text: str, field: str, others: str) -> Refused:
    message = f"expected `{field}` to be a time as 2026-05-01T08:00:00Z, {others}; found {text!r}"
    return Refused(message, code="bad_window", field=field)
