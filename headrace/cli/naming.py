"""What people type to name a thing: its id, or as much of it as is needed to tell it apart."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.errors import HeadraceError


class NotTheOne(HeadraceError):
    """An id or its beginning names nothing, or several things."""


def the_one(items: Iterable[dict[str, Any]], text: str, *, what: str, lister: str) -> dict[str, Any]:
    """The item whose id is `text`, or the only one whose id begins so.

    Raises:
        NotTheOne: there is none, or there are several.
    """
    near = []
    for item in items:
        if item["id"] == text:
            return item
        if text and str(item["id"]).startswith(text):
            near.append(item)
    if len(near) == 1:
        return near[0]
    problem = f"{len(near)} have an id that begins so" if near else "there is none"
    message = f"no single {what} is meant by {text!r} ({problem}): `{lister}` lists them"
    raise NotTheOne(message)


def is_id(text: str) -> bool:
    """Whether the text is a whole UUID."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
