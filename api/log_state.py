"""What the log tells of the rest: how far the read side is behind the journal, and partitions that do not keep up.

An API has no worker and no projector to ask. But what they have done stands in the log and on the read side, and a record
that waits tells by its own time since when.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Final, TypeVar

import msgspec
import structlog

from api.database import Row, fetch_all
from api.services import Services
from domain.errors import HeadraceError
from domain.stuck import Patience
from schemas.topics import DEFINITIONS, ENGINE_GROUP, JOURNAL

_PATIENCE_SECONDS: Final = 5.0
_AT_ONCE: Final = 16
"""Questions that a log is asked side by side."""
_log = structlog.get_logger(__name__)
T = TypeVar("T")


class Behind(msgspec.Struct, frozen=True):
    """A partition that does not keep up: for which reason of `domain.stuck`, and since when."""

    reason: str
    partition: int | None
    since_ms: int | None


class LogState(msgspec.Struct, frozen=True):
    """What was found out."""

    as_of_ms: int
    """The read side shows all that happened before this time."""
    behind: tuple[Behind, ...]


async def look_at_log(services: Services) -> LogState:
    """Find out; a log that does not answer in time is a finding too."""
    now_ms = services.clock()
    patience = Patience().scaled(services.time_scale)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            unshown = await _unshown(services)
            as_of_ms = min([now_ms, *(at_ms for _, at_ms in unshown)])
            late = [
                Behind("projection_behind", partition, at_ms)
                for partition, at_ms in unshown
                if now_ms - at_ms > patience.partition_ms
            ]
            late += await _definitions_behind(services, as_of_ms, patience)
            late += await _inputs_behind(services, now_ms, patience)
    except (OSError, HeadraceError, TimeoutError) as error:
        _log.warning("api.log_not_looked_at", error=type(error).__name__)
        return LogState(now_ms, (Behind("log_unreachable", None, None),))
    return LogState(as_of_ms, tuple(late))


async def shown_until_ms(services: Services) -> int:
    """The read side shows all that happened before this time."""
    return min([services.clock(), *(at_ms for _, at_ms in await _unshown(services))])


async def _unshown(services: Services) -> list[tuple[int, int]]:
    """(partition, its time) of the oldest journal record that the read side does not show, where there is one."""
    rows = await fetch_all(services.database, "journal_checkpoints", {"topic": JOURNAL})
    shown = {row["partition"]: row["offset"] for row in rows}
    numbers = range(services.partitions)
    times = await _all(_time_of(services, JOURNAL, number, shown.get(number, 0)) for number in numbers)
    return [(number, at_ms) for number, at_ms in zip(numbers, times, strict=True) if at_ms is not None]


async def _inputs_behind(services: Services, now_ms: int, patience: Patience) -> list[Behind]:
    places = [(topic, number) for topic in services.topics.inputs for number in range(services.partitions)]
    taken = await _all(services.commands.committed(ENGINE_GROUP, *place) for place in places)
    times = await _all(_time_of(services, *place, at or 0) for place, at in zip(places, taken, strict=True))
    oldest: dict[int, int] = {}
    for (_, number), at_ms in zip(places, times, strict=True):
        if at_ms is not None and now_ms - at_ms > patience.partition_ms:
            oldest[number] = min(at_ms, oldest.get(number, at_ms))
    return [Behind("inputs_behind", number, at_ms) for number, at_ms in sorted(oldest.items())]


async def _definitions_behind(services: Services, as_of_ms: int, patience: Patience) -> list[Behind]:
    """Partitions that do not go by a definition yet, or whose open enrollments have not all heard of it."""
    rows: Sequence[Row] = await fetch_all(services.database, "definitions_in_force", {})
    offsets = sorted({row[name] for row in rows for name in ("catalogue_offset", "reconciled_offset")})
    times = dict(zip(offsets, await _all(_time_of(services, DEFINITIONS, 0, at) for at in offsets), strict=True))
    behind = []
    for row in rows:
        for column, reason, limit_ms in (
            ("catalogue_offset", "catalogue_behind", patience.partition_ms),
            ("reconciled_offset", "walk_stalled", patience.walk_ms),
        ):
            at_ms = times[row[column]]
            if at_ms is not None and as_of_ms - at_ms > limit_ms:
                behind.append(Behind(reason, row["partition"], at_ms))
                break  # a partition that does not know the definitions can't walk by them
    return behind


async def _time_of(services: Services, topic: str, partition: int, offset: int) -> int | None:
    """The time of the first record at or behind an offset; None when there is none."""
    if await services.commands.end_offset(topic, partition) <= offset:
        return None
    records = await services.commands.read(topic, partition, offset, limit=1)
    return records[0].timestamp_ms if records else None


async def _all(questions: Iterable[Awaitable[T]]) -> list[T]:
    """All answers, in order, with a few questions at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(question: Awaitable[T]) -> T:
        async with gate:
            return await question

    return await asyncio.gather(*(ask(question) for question in questions))
