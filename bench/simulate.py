"""Benchmark `simulate`: contacts and journal events a second of the simulator, which makes histories for the others."""

import time
from pathlib import Path

from bench.figure import Figure
from headrace.simulator.history import Plan, simulate
from schemas.definition import parse_all

CONTACTS = {"full": 10_000, "quick": 1_000}
EXAMPLES = Path(__file__).parents[1] / "examples"


async def run(directory: Path, size: str) -> list[Figure]:
    """Both example workflows over thirty days, into a data directory."""
    definitions = [
        parsed
        for name in ("new-lead-welcome.yaml", "spring-offer.yaml")
        for parsed in parse_all((EXAMPLES / name).read_bytes())
    ]
    plan = Plan(contacts=CONTACTS[size], days=30, seed=1, until_ms=int(time.time() * 1000), partitions=4)
    start = time.perf_counter()
    summary = await simulate(definitions, plan, directory / "data")
    taken = time.perf_counter() - start
    return [
        Figure("contacts of 30 days", summary.contacts / taken, "/s"),
        Figure("journal events written", summary.journal_events / taken, "/s"),
    ]
