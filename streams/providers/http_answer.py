"""The answer to an `http_request`: read within bounds, judged by its status, and turned into a step's output."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import msgspec

from domain.action import ActionResult
from streams.providers.retry_after import retry_after_ms

MAX_BODY_BYTES: Final = 256 * 1024
"""Read from the socket at most; `save` looks at this much."""
MAX_KEPT_BYTES: Final = 16 * 1024
"""Of the body, kept in the output (and so in the journal) at most."""
_MAX_HEADERS: Final = 32
_MAX_HEADER_CHARS: Final = 512
_SECRET_HEADERS: Final = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate", "authorization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back. `json` is None unless the body is JSON and was read whole."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    encoding: str
    truncated: bool
    json: Any = None


async def read_answer(response: aiohttp.ClientResponse) -> HttpAnswer:
    """Read the body up to the limit; what is longer is cut, and the connection closed."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(16_384):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    truncated = len(body) > MAX_BODY_BYTES
    kept = bytes(body[:MAX_BODY_BYTES])
    return HttpAnswer(
        status=response.status,
        reason=response.reason or "",
        headers=response.headers,
        body=kept,
        encoding=response.charset or "utf-8",
        truncated=truncated,
        json=None if truncated else _json(response.content_type, kept),
    )


def result_of(
    answer: HttpAnswer, *, success: Iterable[int | str] | None = None, save: Mapping[str, str] | None = None
) -> ActionResult:
    """The outcome: success codes (200-299 unless given), 429 and 5xx to be repeated, any other one final."""
    output = _output(answer, save or {})
    if is_success(answer.status, success):
        return ActionResult.succeeded(output)
    retryable = answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return ActionResult.failed(
        f"http_{answer.status}",
        f"The server answered {answer.status} {answer.reason}".rstrip(),
        retryable=retryable,
        retry_after_ms=retry_after_ms(answer.headers) if retryable else None,
        output=output,
    )


def is_success(status: int, codes: Iterable[int | str] | None) -> bool:
    """Whether a status is among the codes: numbers (404), classes (`2xx`) and ranges (`200-204`)."""
    if codes is None:
        return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    return any(_covers(str(code).strip().lower(), status) for code in codes)


def at_path(document: Any, path: str) -> Any:
    """The value at a dotted path (`data.items.0.id`, also with a leading `$.`), or None."""
    found = document
    for part in path.removeprefix("$").removeprefix(".").split(".") if path not in ("$", "") else ():
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isascii() and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _covers(code: str, status: int) -> bool:
    if code.endswith("xx"):
        return code[:-2] == str(status // 100)
    first, dash, last = code.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        return False
    return int(first) <= status <= int(last or first)


def _output(answer: HttpAnswer, save: Mapping[str, str]) -> dict[str, Any]:
    output: dict[str, Any] = {"status_code": answer.status, "headers": _headers(answer.headers)}
    if answer.json is not None and len(answer.body) <= MAX_KEPT_BYTES:
        output["body"] = answer.json
    elif answer.json is None and answer.body:
        output["body"] = _words(answer.body[:MAX_KEPT_BYTES], answer.encoding)
    if answer.truncated or len(answer.body) > MAX_KEPT_BYTES:
        output["body_truncated"] = True
    for name, path in save.items():
        output[name] = at_path(answer.json, path)
    return output


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    shown = [(name.lower(), value) for name, value in headers.items() if name.lower() not in _SECRET_HEADERS]
    return {name: value[:_MAX_HEADER_CHARS] for name, value in shown[:_MAX_HEADERS]}


def _words(body: bytes, encoding: str) -> str:
    try:
        text = body.decode(encoding, "replace")
    except LookupError:  # the server names an encoding that does not exist
        text = body.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd")  # Postgres keeps no NUL in text


def _json(content_type: str, body: bytes) -> Any:
    if content_type != "application/json" and not content_type.endswith("+json"):
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
