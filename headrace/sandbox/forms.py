"""What is posted to the sandbox itself: JSON by programs (with whatever content type curl gives it), forms by its own pages."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from domain.errors import HeadraceError

_FORM: Final = "application/x-www-form-urlencoded"


class NotTold(HeadraceError):
    """What is to be told to the sandbox can't be."""


async def is_form(request: web.Request) -> bool:
    """Whether a page's form was posted; `curl -d '{...}'` calls its JSON a form, too."""
    return request.content_type == _FORM and not (await request.read()).lstrip().startswith((b"{", b"["))


async def told_by(request: web.Request) -> Mapping[str, Any]:
    """The JSON object, or the form's fields.

    Raises:
        NotTold: it is neither.
    """
    if await is_form(request):
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    try:
        found: Any = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotTold(f"expected a JSON object: {error}") from error
    if not isinstance(found, dict):
        raise NotTold("expected a JSON object, found something else")
    return found
