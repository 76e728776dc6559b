"""The hosts of the event log under test. Each opens a log at a location, in this process or in another."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from schemas.event_log import EventLog
from streams.embedded.log import EmbeddedEventLog


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _open_embedded(location: str, clock: Callable[[], int]) -> EventLog:
    return await EmbeddedEventLog.open(Path(location), clock=clock)


HOSTS: Final = {"embedded": _open_embedded}


async def open_log(host: str, location: str, clock: Callable[[], int] = now_ms) -> EventLog:
    """Open the log of a host; opening the same location again finds what was committed."""
    return await HOSTS[host](location, clock)
