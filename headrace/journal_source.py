"""Where the command line reads the journal: from the Headrace at --url, or with --here from the log itself."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headrace.api_client import ApiClient

Fetch = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives a page of the journal: takes and answers what `GET /journal` does, times in milliseconds as RFC 3339."""

PAGE = 5_000


@contextlib.contextmanager
def journal_at(url: str, *, here: bool) -> Iterator[Fetch]:
    """The journal, for as long as the block lasts."""
    if not here:
        api = ApiClient(url)
        yield lambda query: dict(api.get("/journal", {name: _text(value) for name, value in query.items()}))
        return
    from headrace.log_access import open_log  # noqa: PLC0415 most commands open no log

    with asyncio.Runner() as runner:
        opened = open_log()
        log = runner.run(opened.__aenter__())
        try:
            yield lambda query: runner.run(_read(log, query))
        finally:
            runner.run(opened.__aexit__(None, None, None))


def events(fetch: Fetch, *, limit: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
    """The items that the query names, page after page, `limit` at most."""
    left, offset = limit, query.pop("offset", None)
    while left is None or left > 0:
        page = fetch({**query, "offset": offset, "limit": PAGE if left is None else min(left, PAGE)})
        yield from page["items"]
        left = None if left is None else left - len(page["items"])
        offset = page["next_offset"]
        if offset is None:
            return


def partitions(fetch: Fetch) -> int:
    """How many partitions the journal has."""
    return int(fetch({"partition": 0, "limit": 1})["partitions"])


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


async def _read(log: Any, query: Mapping[str, Any]) -> dict[str, Any]:
    """What `GET /journal` answers."""
    import msgspec  # noqa: PLC0415

    from domain.partition import home_partition  # noqa: PLC0415
    from domain.times import read_time_ms  # noqa: PLC0415
    from projections.journal_page import JournalQuery, read_journal  # noqa: PLC0415
    from schemas.topics import JOURNAL  # noqa: PLC0415

    count = await log.partitions(JOURNAL)
    contact_id, since, until = query.get("contact_id"), query.get("since"), query.get("until")
    page = await read_journal(
        log,
        JournalQuery(
            partition=home_partition(contact_id, count) if contact_id else query.get("partition") or 0,
            contact_id=contact_id,
            offset=query.get("offset"),
            since_ms=read_time_ms(since) if since else None,
            until_ms=read_time_ms(until) if until else None,
            limit=query.get("limit", PAGE),
            personal=bool(query.get("personal")),
        ),
    )
    return {"partitions": count, **msgspec.to_builtins(page)}
