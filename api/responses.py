"""Answers: a resource as JSON."""

from collections.abc import Mapping

from aiohttp import web
from pydantic import BaseModel


def respond(
    resource: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None, omit_null: bool = False
) -> web.Response:
    """The resource as the response's body."""
    return web.Response(
        body=resource.model_dump_json(exclude_none=omit_null).encode(),
        status=status,
        content_type="application/json",
        headers=dict(headers or {}),
    )
