"""Benchmark `timers`: how late timers fire with 1,000 and with 100,000 of them pending."""

from pathlib import Path

from bench.figure import Figure, percentiles
from bench.inputs import append, contact_event
from bench.installation import Installation, installation
from bench.pacing import steadily
from bench.tailing import tail
from bench.workflows import waiting
from domain.journal import JournalEvent, StepCompleted, TimerSet
from schemas.event_log import NewRecord

PENDING = {"full": (1_000, 100_000), "quick": (1_000, 10_000)}
MEASURED = 1_000
PER_SECOND = {"full": 200, "quick": 500}
DELAY_S = {"full": 6, "quick": 3}
"""Longer than it takes to set all that are measured, so that all pend before the first is due."""


async def run(directory: Path, size: str) -> list[Figure]:
    """1,000 timers that fall due one after the other are measured; the others stay pending. The engine alone."""
    figures = []
    for pending in PENDING[size]:
        documents = [waiting("Far", "far", 86_400), waiting("Near", "near", DELAY_S[size])]
        async with installation(directory / str(pending), documents) as one:
            far = pending - MEASURED
            await append(one.log, [_event(one, f"far-{number}", "far") for number in range(far)])
            async with one.running():
                await one.until(one.inputs_taken, f"{far} timers to be set")
                figures += await _measure(one, pending, size)
    return figures


async def _measure(one: Installation, pending: int, size: str) -> list[Figure]:
    due_ms: dict[str, int] = {}
    late_ms: list[float] = []

    def see(event: JournalEvent, at: float) -> None:
        if isinstance(event, TimerSet):
            due_ms[event.contact_id] = event.due_at_ms
        elif isinstance(event, StepCompleted):
            late_ms.append(at * 1000 - due_ms[event.contact_id])

    async def all_fired() -> bool:
        return len(late_ms) == MEASURED

    async with tail(one.log, one.partitions, see):
        async for number in steadily(MEASURED, PER_SECOND[size]):
            await one.log.append([_event(one, f"near-{number}", "near")])
        await one.until(all_fired, f"{MEASURED} timers to fire")
    return percentiles(f"{pending:,} pending: late, and in the journal", late_ms, "ms")


def _event(one: Installation, contact_id: str, kind: str) -> NewRecord:
    return contact_event(one.partitions, contact_id, kind, kind, {})
