"""Benchmark `memory`: what a waiting enrollment takes of this process's memory and of the disk."""

from pathlib import Path

from bench.figure import Figure
from bench.inputs import append, contact_event
from bench.installation import installation
from bench.machine import resident_bytes
from bench.workflows import waiting

WAITING = {"full": 100_000, "quick": 10_000}
CHUNK = 10_000
WARM_UP = {"full": 40_000, "quick": 10_000}
"""Enrollments before the first look: they fill the caches that have an upper bound (SQLite's, the log's tail)."""


async def run(directory: Path, size: str) -> list[Figure]:
    """The engine alone."""
    async with installation(directory, [waiting("Wait", "wait", 86_400)]) as one, one.running():

        async def enrol(first: int, count: int) -> None:
            for start in range(first, first + count, CHUNK):
                numbers = range(start, min(start + CHUNK, first + count))
                await append(one.log, [contact_event(one.partitions, f"c{n}", "w", "wait", {}) for n in numbers])
                await one.until(one.inputs_taken, f"{count} enrollments to wait")

        first, count = WARM_UP[size], WAITING[size]
        await enrol(0, first)
        before = resident_bytes()
        await enrol(first, count)
        grown = resident_bytes() - before
        stored = sum(path.stat().st_size for path in (directory / "store").glob("*.sqlite*"))
        return [
            Figure("memory a waiting enrollment", grown / count, "bytes"),
            Figure("memory of the process", (before + grown) / 1e6, "MB"),
            Figure("local state on the disk, a waiting enrollment", stored / (first + count), "bytes"),
        ]
