"""The request that an `http_request` step describes, made ready for the wire, and again after a redirect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import urlencode

import msgspec
from multidict import CIMultiDict
from yarl import URL

from domain.errors import HeadraceError

METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_KEPT_ABROAD: Final = ("Content-Type", "User-Agent", IDEMPOTENCY_KEY)
"""What a redirect to another origin may see: the step's other headers may hold credentials."""
_FRAMING: Final = ("Host", "Content-Length", "Transfer-Encoding", "Connection")
"""Headers that belong to the connection, not to the step."""


class InvalidRequest(HeadraceError):
    """The step's configuration makes no request."""


class RedirectRefused(HeadraceError):
    """A redirect to another origin asks to repeat a body there that holds secrets or is signed; it was not followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One request, ready to be sent."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | None
    homebound: bool = False
    """Whether it holds secrets, or is signed: then no other origin gets its body."""

    @classmethod
    def of(cls, config: dict[str, Any], idempotency_key: str, *, homebound: bool = False) -> Self:
        """The call that a rendered configuration describes.

        Raises:
            InvalidRequest: the method, the address or the body can't be used.
        """
        method = str(config.get("method") or "POST").upper()
        if method not in METHODS:
            raise InvalidRequest(f"the method {method!r} is none of {', '.join(sorted(METHODS))}")
        body, content_type = _body(config)
        headers = CIMultiDict({str(name): _text(value) for name, value in (config.get("headers") or {}).items()})
        for name in _FRAMING:
            headers.popall(name, None)
        if content_type:
            headers.setdefault("Content-Type", content_type)
        headers.setdefault("User-Agent", "headrace")
        headers[IDEMPOTENCY_KEY] = idempotency_key
        _refuse_line_breaks(headers)
        return cls(method=method, url=_url(config), headers=headers, body=body, homebound=homebound)

    def with_headers(self, more: Mapping[str, str]) -> Self:
        """The call with these headers too; they replace those of the same names."""
        headers = self.headers.copy()
        headers.update(more)
        return replace(self, headers=headers)

    def redirected(self, status: int, location: str) -> "HttpCall":
        """The call that follows a redirect (RFC 9110, 15.4): 307 and 308 repeat it, the others become a GET.

        Raises:
            InvalidRequest: the new address is not one of http or https.
            RedirectRefused: it leads to another origin, which would get what is not meant for it.
        """
        url = _checked(self.url.join(_parsed(location)))
        headers = self.headers.copy()
        if url.origin() != self.url.origin():
            for name in {name for name in headers if name.title() not in _KEPT_ABROAD}:
                headers.popall(name)
        repeats = status in (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
        if repeats and self.homebound and self.body is not None and url.origin() != self.url.origin():
            raise RedirectRefused
        if repeats or (self.method in ("GET", "HEAD")):
            return replace(self, url=url, headers=headers)
        headers.popall("Content-Type", None)
        return replace(self, method="GET", url=url, headers=headers, body=None)


def _url(config: dict[str, Any]) -> URL:
    url = _checked(_parsed(str(config.get("url") or "").strip()))
    query = config.get("query")
    if not query:
        return url
    pairs = [
        (str(name), _text(each))
        for name, value in query.items()
        if value is not None
        for each in (value if isinstance(value, list | tuple) else (value,))
    ]
    return url.extend_query(pairs)


def _parsed(text: str) -> URL:
    try:
        return URL(text)
    except ValueError as error:
        raise InvalidRequest(f"the address can't be read: {error}") from error


def _checked(url: URL) -> URL:
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidRequest(f"expected an address of http or https with a host, found {url.scheme or 'no scheme'}")
    return url


def _body(config: dict[str, Any]) -> tuple[bytes | None, str | None]:
    if config.get("json") is not None:
        return msgspec.json.encode(config["json"]), "application/json"
    if config.get("form") is not None:
        form = {name: _form_value(value) for name, value in config["form"].items() if value is not None}
        return urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
    if config.get("body") is not None:
        return _text(config["body"]).encode(), "text/plain; charset=utf-8"
    return None, None


def _form_value(value: Any) -> str | list[str]:
    return [_text(each) for each in value] if isinstance(value, list | tuple) else _text(value)


def _text(value: Any) -> str:
    """A value as it stands in a header, a query or a form: booleans and structures as JSON writes them."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _refuse_line_breaks(headers: CIMultiDict[str]) -> None:
    for name, value in headers.items():
        if any(char in name + value for char in "\r\n\0"):
            raise InvalidRequest(f"the header {name!r} holds a line break")
