"""A server that holds the command line to the API's contract: the API's own route table, with answers set by the test.

Each request must fit a route: its query, its body and its content type are read by the API's own models. Each answer is
checked against the schema that the route promises. What a test did not set is answered by 404.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jsonschema
from aiohttp import web

from api.errors import errors
from api.problems import NotFound
from api.requests import read_body, read_query
from api.route import Route
from api.routes import ROUTES
from api.upload import read_upload


class Request(NamedTuple):
    """What the command line sent."""

    method: str
    path: str
    query: dict[str, Any]
    body: Any
    content_type: str
    key: str | None = None


class ContractServer:
    """Listens on a free port of 127.0.0.1 in a thread of its own."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[tuple[str, str], list[Callable[[], web.Response]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def on(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        status: int = 200,
        content_type: str = "application/yaml",
        **headers: str,
    ) -> None:
        """Answer so; when set several times, one after another, the last one for ever. `content_type` is of bytes."""
        answers = self._answers.setdefault((method, path), [])
        answers.append(lambda: self._response(body, status, content_type, headers))

    def sent(self, method: str) -> list[Request]:
        """The requests with this method."""
        return [request for request in self.requests if request.method == method]

    def _response(self, body: Any, status: int, content_type: str, headers: dict[str, str]) -> web.Response:
        if isinstance(body, bytes):
            return web.Response(body=body, status=status, content_type=content_type, headers=headers)
        if status >= 400:
            problem = {"type": "urn:headrace:problem", "title": "Problem", "status": status, **body}
            return web.json_response(problem, status=status, content_type="application/problem+json")
        return web.json_response(body, status=status, headers=headers)

    async def _start(self) -> int:
        app = web.Application(middlewares=[errors])
        for route in ROUTES:
            app.router.add_route(route.method, route.path, self._handler(route))
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self._runner.addresses[0][1]

    def _handler(self, route: Route) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            query = read_query(request, route.query).model_dump(exclude_unset=True)
            body: Any = None
            if route.takes_upload:
                body = (await read_upload(request)).data
            elif route.body is not None and await request.read():
                body = (await read_body(request, route.body)).model_dump(by_alias=True, exclude_unset=True)
            key = request.headers.get("Idempotency-Key")
            self.requests.append(Request(request.method, request.path, query, body, request.content_type, key))
            answers = self._answers.get((request.method, request.path))
            if not answers:
                raise NotFound(f"there is nothing at {request.path}")
            response = (answers.pop(0) if len(answers) > 1 else answers[0])()
            _check(route, response)
            return response

        return handle


def _check(route: Route, response: web.Response) -> None:
    """The answer is one that the route's own answer could be."""
    if response.status >= 400:
        return
    promised = route.answers[response.status]
    if isinstance(promised, tuple):
        assert response.content_type in promised
    else:
        jsonschema.validate(json.loads(response.body), promised.model_json_schema(mode="serialization"))
