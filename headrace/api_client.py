"""A small client of Headrace's HTTP API for the command line: one request a connection, no proxies, clear errors."""

import json
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from domain.errors import HeadraceError
from headrace.errors import UsageError

DEFAULT_URL: Final = "http://127.0.0.1:8080"
BASE: Final = "/api/v1"
JSON: Final = "application/json"
YAML: Final = "application/yaml"
LINES: Final = "application/x-ndjson"

_CREATED: Final = 201
_ACCEPTED: Final = 202
_FIRST_ERROR: Final = 400
_POLL_SECONDS: Final = 0.2

Query = Mapping[str, str | int | None]


class BadUrl(UsageError):
    """The address of Headrace is not an http:// or https:// URL."""


class ApiUnreachable(HeadraceError):
    """Headrace could not be reached."""


class ApiProblem(HeadraceError):
    """Headrace refused the request; `problem` is its answer (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP status {status}"))
        self.status = status
        self.problem = problem

    @property
    def diagnostics(self) -> list[dict[str, Any]]:
        """Of a refused definition: what is wrong with it."""
        return list(self.problem.get("diagnostics") or ())


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    content_type: str
    location: str | None
    body: bytes


class Written(NamedTuple):
    """What a write came to: the answer's JSON, its `Location`, and whether it changed nothing (equal content)."""

    value: Any
    location: str
    unchanged: bool


class ApiClient:
    """Talks to one running Headrace."""

    def __init__(self, url: str = DEFAULT_URL, *, timeout: float = 30.0, patience: float = 60.0) -> None:
        """Check the address; nothing is sent yet.

        Args:
            url: where Headrace listens, without `/api/v1`.
            timeout: seconds that a request may take.
            patience: seconds to ask for the result of a write that was taken in but is not shown yet.

        Raises:
            BadUrl: `url` is not the address of an HTTP server.
        """
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._patience = patience
        self._secure, self._host, self._port, self._prefix = _parts(self.url)

    def get(self, path: str, query: Query | None = None) -> Any:
        """The JSON at `path` below `/api/v1`.

        Raises:
            ApiProblem: Headrace refused.
            ApiUnreachable: nothing answers there, or something else than Headrace.
        """
        return self._json(self.request("GET", BASE + path, query=query))

    def text(self, path: str, query: Query | None = None) -> bytes:
        """The document at `path`, as it is sent. Raises like `get`."""
        answer = self.request("GET", BASE + path, query=query)
        if answer.status >= _FIRST_ERROR:
            self._json(answer)
        return answer.body

    def pages(self, path: str, query: Query | None = None) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page. Raises like `get`."""
        cursor: str | None = None
        while True:
            page = self.get(path, {"limit": 200, **(query or {}), "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def post(self, path: str, body: object = None, *, query: Query | None = None, key: str | None = None) -> Any:
        """Send `body` as JSON and give the answer once the read side shows it. Raises like `get`.

        With the same `key` (its `Idempotency-Key`) the same request is done once, however often it is sent.
        """
        content = b"" if body is None else json.dumps(body).encode()
        return self.send(path, content, JSON, query=query, key=key).value

    def send(
        self, path: str, body: bytes, content_type: str, *, query: Query | None = None, key: str | None = None
    ) -> Written:
        """Send a document as it is. Else like `post`."""
        answer = self.request("POST", BASE + path, query=query, body=body, content_type=content_type, key=key)
        value, location = self._json(answer), answer.location or ""
        if answer.status == _ACCEPTED and location:
            status = self._settled(location)
            return Written(status, location, status["status"] == "duplicate")
        return Written(value, location, answer.status != _CREATED)

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[bytes]:
        """Send `body` as JSON and give the answer line by line, as it comes. Raises like `get`."""
        target = self._prefix + quote(BASE + path, safe="/%")
        headers = {"Accept": f"{LINES}, */*;q=0.5", "Connection": "close", "Content-Type": JSON}
        connection = self._connection()
        try:
            connection.request("POST", target, body=json.dumps(body).encode(), headers=headers)
            response = connection.getresponse()
            content_type = response.headers.get_content_type()
            if content_type != LINES:
                self._json(Answer(response.status, content_type, None, response.read()))
            yield from response
        except (OSError, HTTPException) as error:
            raise ApiUnreachable(self._no_answer("POST", error)) from error
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        connect = HTTPSConnection if self._secure else HTTPConnection
        return connect(self._host, self._port, timeout=self._timeout)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        content_type: str = JSON,
        key: str | None = None,
    ) -> Answer:
        """One request; the answer may be an error.

        Raises:
            ApiUnreachable: no answer came.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = self._prefix + quote(path, safe="/%") + (f"?{urlencode(given)}" if given else "")
        connection = self._connection()
        headers = {"Accept": f"{JSON}, */*;q=0.5", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = content_type
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(
                response.status, response.headers.get_content_type(), response.headers.get("Location"), response.read()
            )
        except (OSError, HTTPException) as error:
            raise ApiUnreachable(self._no_answer(method, error)) from error
        finally:
            connection.close()

    def _no_answer(self, method: str, error: Exception) -> str:
        reason = str(getattr(error, "strerror", None) or error or type(error).__name__).lower()
        message = f"no answer from Headrace at {self.url} ({reason}): start it with `headrace dev`, or name it by --url"
        if method == "POST" and not isinstance(error, ConnectionRefusedError):
            message += "; whether the request was done is not known"
        return message

    def _json(self, answer: Answer) -> Any:
        try:
            value = json.loads(answer.body) if answer.body else None
        except ValueError:
            value = None
        if answer.status >= _FIRST_ERROR and isinstance(value, dict):
            raise ApiProblem(answer.status, value)
        if value is None:
            message = (
                f"expected JSON from Headrace at {self.url}, found HTTP {answer.status} with {answer.content_type}: "
                "is it another server? Name Headrace's address by --url"
            )
            raise ApiUnreachable(message)
        return value

    def _settled(self, location: str) -> Any:
        """The result of a command that was taken in but not shown yet."""
        path = urlsplit(location).path
        give_up = time.monotonic() + self._patience
        while time.monotonic() < give_up:
            status = self._json(self.request("GET", path))
            if status["status"] == "rejected":
                raise ApiProblem(409, {**status, "detail": status.get("reason")})
            if status["status"] != "pending":
                return status
            time.sleep(_POLL_SECONDS)
        message = f"the request was taken in, but no result is shown after {self._patience:.0f} s: ask {self.url}{path}"
        raise ApiProblem(_ACCEPTED, {"detail": message})


def _parts(url: str) -> tuple[bool, str, int | None, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        message = f"expected a URL such as {DEFAULT_URL}, found {url!r}: mend --url (HEADRACE_URL)"
        raise BadUrl(message)
    return parts.scheme == "https", parts.hostname, port, parts.path
