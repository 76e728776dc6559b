"""`headrace projector`: keeps the read side's database in line with the journal."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from headrace.engine_clock import EngineClock
from headrace.health import health_server
from headrace.kafka_parts import kafka_log, kafka_of
from headrace.metrics import RoleMetrics
from headrace.role import database_of, run_role
from headrace.serving import projecting
from headrace.settings import Settings, topics_of
from headrace.verifying import ScheduledVerification, verifying
from projections.migrations import migrate
from projections.projector import Projector
from projections.stale import stale_tables

_log = structlog.get_logger(__name__)

_MEND: Final = "run `headrace rebuild`: these tables lack what came before the upgrade"


def run_projector(settings: Settings) -> int:
    """Run until told to stop; gives the exit code."""
    kafka, database_url = kafka_of(settings), database_of(settings)
    metrics = RoleMetrics("projector")
    projector: Projector | None = None
    verification: ScheduledVerification | None = None

    def readiness() -> tuple[bool, Mapping[str, Any]]:
        checkpoints, trouble = (projector.checkpoints, projector.trouble) if projector is not None else ({}, None)
        facts = {"sources": len(checkpoints), "trouble": trouble, "verify": verification.last if verification else {}}
        return bool(checkpoints) and trouble is None, facts

    def forget() -> None:
        nonlocal projector
        projector = None

    async def start(stack: contextlib.AsyncExitStack, on_crash: Callable[[BaseException], None]) -> None:
        nonlocal projector, verification
        stack.callback(forget)
        await stack.enter_async_context(health_server(settings.host, settings.health_port, readiness, metrics))
        await asyncio.to_thread(migrate, database_url)
        await asyncio.to_thread(_tell_stale, database_url)
        log = await stack.enter_async_context(kafka_log(kafka, topics_of(settings)))
        at_work = projecting(log, database_url, on_crash, clock=EngineClock(), metrics=metrics)
        projector = await stack.enter_async_context(at_work)
        verification = await stack.enter_async_context(verifying(settings, database_url, metrics))

    return run_role("projector", settings, start)


def _tell_stale(database_url: str) -> None:
    if tables := stale_tables(database_url):
        _log.warning("read_side.rebuild_due", tables=tables, mend=_MEND)
