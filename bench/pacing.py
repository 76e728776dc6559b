"""Pacing: one thing after the other, at a steady rate whatever each takes."""

import asyncio
import time
from collections.abc import AsyncIterator


async def steadily(count: int, per_second: float) -> AsyncIterator[int]:
    """The numbers from 0 up to `count`, each at its time; a late one is followed by the next without a pause."""
    start = time.perf_counter()
    for number in range(count):
        wait_s = start + number / per_second - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        yield number
