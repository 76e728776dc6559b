"""Benchmark `start`: `headrace dev` from the start of its process to "Headrace is up", fresh and again."""

import asyncio
import time
from pathlib import Path

from bench.figure import Figure
from tests.support.dev_process import DevProcess

STARTS = {"full": 3, "quick": 1}


async def run(directory: Path, size: str) -> list[Figure]:
    """On an empty data directory (it makes the log and Postgres, and publishes a sample), then on the same one."""
    return await asyncio.to_thread(_measure, directory, STARTS[size])


def _measure(directory: Path, starts: int) -> list[Figure]:
    dev = DevProcess(directory / "data", "--log-level", "error")
    try:
        fresh_s, *again_s = [_start_s(dev) for _ in range(1 + starts)]
    finally:
        dev.end()
    return [Figure("fresh start", fresh_s, "s"), Figure("second start (the quickest)", min(again_s), "s")]


def _start_s(dev: DevProcess) -> float:
    start = time.perf_counter()
    dev.start()
    taken = time.perf_counter() - start
    dev.stop()
    return taken
