"""A route of the API: its handler's signature says what it reads, the table says what it answers.

A handler takes the request and, by these names, what it wants read and checked for it: `query` (a model of the query
string), `body` (a model of a JSON body), `upload` (a definition, `WorkflowUpload` or `TemplateUpload`) and `payload` (the
body's bytes as they came).
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, get_args

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from api.requests import read_body, read_query
from api.upload import read_upload
from schemas.api_bodies import Body, NoBody, NoQuery
from schemas.definition import Kind

RouteHandler = Callable[..., Awaitable[web.StreamResponse]]


def router_path(path: str) -> str:
    """The path for aiohttp's router, whose plain `{name}` would match no braces; a contact id may be any text."""
    return re.sub(r"{(\w+)}", r"{\1:[^/]+}", path)


@dataclass(frozen=True)
class Route:
    """One line of the route table; `answers` gives the resource of each good status (or a content type of text)."""

    method: str
    path: str
    handler: RouteHandler
    answers: Mapping[int, type[BaseModel] | tuple[str, ...]]

    @cached_property
    def _wants(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.handler, eval_str=True).parameters

    @property
    def name(self) -> str:
        """The operation's id: the handler's name."""
        return getattr(self.handler, "__name__", "")

    @property
    def tag(self) -> str:
        """The kind of thing that the route is about: the first word of its path."""
        word = self.path.removeprefix("/api/v1/").partition("/")[0]
        return word if self.path.startswith("/api/v1/") else "service"

    @property
    def waits(self) -> bool:
        """Whether it writes, so that it may answer before the result is known."""
        return HTTPStatus.ACCEPTED in self.answers

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    @property
    def query(self) -> type[NoQuery]:
        """The model of the query string."""
        wanted = self._wants.get("query")
        return wanted.annotation if wanted else NoQuery

    @property
    def body(self) -> type[Body] | None:
        """The model of the JSON body; a POST whose handler wants none takes none (or `{}`)."""
        if wanted := self._wants.get("body"):
            return wanted.annotation  # type: ignore[no-any-return]  # a signature's annotations are Any
        return NoBody if self.method == "POST" and not (self.takes_upload or self.takes_payload) else None

    @property
    def body_optional(self) -> bool:
        """Whether no body is as good as `{}`: so it is when the model needs no field."""
        return self.body is not None and not any(field.is_required() for field in self.body.model_fields.values())

    @property
    def takes_upload(self) -> bool:
        """Whether the body is a definition."""
        return self.upload_kind is not None

    @property
    def takes_payload(self) -> bool:
        """Whether the handler reads the raw body itself: a signature is over its bytes."""
        return "payload" in self._wants

    @property
    def upload_kind(self) -> Kind | None:
        """What kind of definition the body is, if it is one."""
        wanted = self._wants.get("upload")
        return get_args(wanted.annotation)[1] if wanted else None

    def bind(self) -> Handler:
        """The handler as aiohttp calls it: reads what the signature asks for, then calls."""

        async def handle(request: web.Request) -> web.StreamResponse:
            arguments: dict[str, Any] = {}
            query = read_query(request, self.query)
            if "query" in self._wants:
                arguments["query"] = query
            if self.body is not None:
                body = await read_body(request, self.body, optional=self.body_optional)
                arguments |= {"body": body} if "body" in self._wants else {}
            if self.takes_payload:
                arguments["payload"] = await request.read()
            if self.takes_upload:
                arguments["upload"] = await read_upload(request)
            return await self.handler(request, **arguments)

        return handle
