"""What an exception of a provider's call tells about its effect: surely nothing was sent, or nobody can tell.

SDKs wrap the socket's exception in their own, so the whole chain of causes is looked through.
"""

import socket
import ssl
from collections.abc import Iterator
from typing import Final

import aiohttp
import requests
import urllib3.exceptions

from domain.action import ActionResult

NEVER_SENT: Final = (
    ConnectionRefusedError,
    socket.gaierror,
    aiohttp.ClientConnectorError,  # DNS, TCP and TLS: all before the request's first byte
    aiohttp.ConnectionTimeoutError,
    requests.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
)
"""No connection ever stood, so the provider saw nothing: safe to repeat."""

MAYBE_SENT: Final = (
    TimeoutError,
    ConnectionError,
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    requests.Timeout,
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
)
"""The connection stood and then broke or went silent: the provider may have taken the request."""


AMBIGUOUS: Final = frozenset({502, 504})
"""A gateway's answers (RFC 9110, 15.6.3 and 15.6.5): the provider behind it may have taken the request."""


def gateway_lost(provider: str, status: int) -> ActionResult | None:
    """The outcome of an answer that a gateway gave instead of the provider; None for any other answer."""
    if status not in AMBIGUOUS:
        return None
    return ActionResult.unknown(
        f"gateway_{status}",
        f"A gateway answered {status} for {provider}, which may have taken the request",
        outage=True,
    )


def failure_of(error: BaseException) -> ActionResult | None:
    """The outcome that a network failure means, or None when the exception is not one."""
    chain = tuple(_chain(error))
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        return ActionResult.failed(
            "tls_failed",
            "The provider's certificate could not be verified, so nothing was sent; check the address and the CA bundle",
        )
    for link in chain:
        if isinstance(link, NEVER_SENT):
            return ActionResult.failed(
                "connect_failed",
                f"The provider could not be reached ({_name(link)}); nothing was sent",
                retryable=True,
                outage=True,
            )
    for link in chain:
        if isinstance(link, MAYBE_SENT):
            late = any(isinstance(each, TimeoutError | requests.Timeout) for each in chain)
            code, words = ("timeout", "did not answer in time") if late else ("connection_lost", "broke the connection")
            return ActionResult.unknown(
                code, f"The provider {words} ({_name(link)}) after the request may have been sent", outage=True
            )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _name(error: BaseException) -> str:
    return type(error).__name__
