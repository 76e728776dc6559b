"""Lists in pages: keyset pages, so that items which come in between shift nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from aiohttp import web

from api.cursor import decode_cursor, encode_cursor
from api.database import Row, fetch_all
from api.responses import respond
from api.services import SERVICES
from schemas.api_bodies import PageQuery
from schemas.api_resources import Item, Page


@dataclass(frozen=True)
class Key:
    """A column that orders a list; `first` sorts before all of its values (`last` ones, in a falling order)."""

    column: str
    first: Any
    parse: Callable[[str], Any]


@dataclass(frozen=True)
class Listing(Generic[Item]):
    """A list: its query takes `after_<column>` for each key, and `limit`, and orders by the keys."""

    name: str
    query: str
    keys: tuple[Key, ...]
    resource: type[Item]

    def after(self, cursor: str | None) -> dict[str, Any]:
        """The query's parameters that say where the page begins."""
        if cursor is None:
            values = [key.first for key in self.keys]
        else:
            values = decode_cursor(self.name, cursor, [key.parse for key in self.keys])
        return {f"after_{key.column}": value for key, value in zip(self.keys, values, strict=True)}


async def list_page(
    request: web.Request, listing: Listing[Item], query: PageQuery, filters: Mapping[str, Any] | None = None
) -> Page[Item]:
    """One page; asks for one row more than it shows, to know whether another page follows."""
    parameters = {**listing.after(query.cursor), **(filters or {}), "limit": query.limit + 1}
    return _page(listing, await fetch_all(request.app[SERVICES].database, listing.query, parameters), query)


def page_of(listing: Listing[Item], rows: Iterable[Row], query: PageQuery) -> Page[Item]:
    """One page of a list whose rows are all at hand; its keys rise."""
    after = tuple(listing.after(query.cursor).values())
    keyed = [(tuple(key.parse(str(row[key.column])) for key in listing.keys), row) for row in rows]
    follow = sorted((pair for pair in keyed if pair[0] > after), key=lambda pair: pair[0])
    return _page(listing, [row for _, row in follow], query)


def _page(listing: Listing[Item], rows: Sequence[Row], query: PageQuery) -> Page[Item]:
    """The first rows, and the cursor behind them if there are more."""
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    cursor = encode_cursor(listing.name, [shown[-1][key.column] for key in listing.keys]) if more else None
    return Page(items=[listing.resource.model_validate(row) for row in shown], next_cursor=cursor)


async def respond_page(
    request: web.Request, listing: Listing[Item], query: PageQuery, filters: Mapping[str, Any] | None = None
) -> web.Response:
    """One page as a response."""
    return respond(await list_page(request, listing, query, filters))
