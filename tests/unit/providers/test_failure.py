"""What an exception tells: surely nothing was sent, or nobody can tell."""

import socket
import ssl

import aiohttp
import pytest
import requests
import urllib3.exceptions

from streams.providers.failure import failure_of


def caused(outer, inner):
    try:
        raise outer from inner
    except type(outer) as error:
        return error


class SdkError(Exception):
    """What a plug-in's SDK wraps a socket's exception in."""


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        socket.gaierror(),
        aiohttp.ConnectionTimeoutError(),
        requests.ConnectTimeout(),
        urllib3.exceptions.NameResolutionError("host", None, socket.gaierror()),
        caused(SdkError(), ConnectionRefusedError()),
        caused(requests.ConnectionError(), urllib3.exceptions.NewConnectionError(None, "refused")),
    ],
)
def test_without_a_connection_nothing_was_sent_and_it_may_be_repeated(error):
    result = failure_of(error)
    assert (result.outcome, result.code, result.retryable) == ("failed", "connect_failed", True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TimeoutError(), "timeout"),
        (requests.ReadTimeout(), "timeout"),
        (caused(SdkError(), TimeoutError()), "timeout"),
        (ConnectionResetError(), "connection_lost"),
        (BrokenPipeError(), "connection_lost"),
        (aiohttp.ServerDisconnectedError(), "connection_lost"),
        (aiohttp.ClientPayloadError(), "connection_lost"),
        (requests.ConnectionError(), "connection_lost"),
        (caused(SdkError(), ConnectionResetError()), "connection_lost"),
    ],
)
def test_a_connection_that_stood_and_broke_leaves_the_outcome_unknown(error, code):
    result = failure_of(error)
    assert (result.outcome, result.code, result.retryable) == ("unknown", code, False)


def test_a_certificate_that_does_not_verify_is_no_reason_to_repeat():
    result = failure_of(caused(requests.exceptions.SSLError(), ssl.SSLCertVerificationError()))
    assert (result.outcome, result.code, result.retryable) == ("failed", "tls_failed", False)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError(), FileNotFoundError(), SdkError()])
def test_other_exceptions_tell_nothing_about_the_network(error):
    assert failure_of(error) is None


def test_a_chain_of_causes_that_bites_its_tail_ends():
    first, second = SdkError(), SdkError()
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first) is None
