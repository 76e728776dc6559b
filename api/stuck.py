"""What is stuck, as the API and the console show it: partitions first, then enrollments page by page."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from api.database import fetch_all
from api.listing import list_page
from api.listings import STUCK
from api.log_state import Behind, look_at_log, shown_until_ms
from api.services import SERVICES, Services
from domain.stuck import REASONS, Patience
from schemas.api_bodies import PageQuery
from schemas.api_repair import Stuck
from schemas.api_resources import Page

MOST_COUNTED: Final = 1_000


async def stuck_page(request: web.Request, query: PageQuery) -> Page[Stuck]:
    """One page. The first one begins with what is wrong with partitions, the read side and the log.

    Enrollments are judged by the time that the read side has got to: one that lags is a finding of its own, and makes
    no enrollment look stuck that only is not shown to have moved.
    """
    services = request.app[SERVICES]
    state = await look_at_log(services)
    page = await list_page(request, STUCK, query, before(state.as_of_ms, services.time_scale))
    first = [_of_log(behind) for behind in state.behind] if query.cursor is None else []
    return Page(items=[*first, *page.items], next_cursor=page.next_cursor)


async def count_stuck(services: Services) -> Counter[str]:
    """How many enrollments look stuck on the read side, by reason; up to so many as are counted."""
    as_of_ms = await shown_until_ms(services)
    parameters = {**STUCK.after(None), **before(as_of_ms, services.time_scale), "limit": MOST_COUNTED}
    return Counter(row["reason"] for row in await fetch_all(services.database, STUCK.query, parameters))


def before(as_of_ms: int, time_scale: float) -> Mapping[str, Any]:
    """The queries' parameters: what has not moved since before these times is stuck."""
    patience = Patience().scaled(time_scale)
    return {
        "timer_before": _time(as_of_ms - patience.timer_ms),
        "action_before": _time(as_of_ms - patience.action_ms),
    }


def _of_log(behind: Behind) -> Stuck:
    reason = REASONS[behind.reason]
    return Stuck(
        kind=reason.kind,  # type: ignore[arg-type]  # the table's kinds are the resource's
        reason=behind.reason,
        message=reason.words,
        mend=reason.mend,
        since=None if behind.since_ms is None else _time(behind.since_ms),
        partition=behind.partition,
    )


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
