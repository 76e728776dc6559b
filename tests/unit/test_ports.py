"""A port that is taken is said so before anything starts, with who has it."""

import os
import socket
from pathlib import Path

import pytest

from headrace.ports import CannotListen, PortTaken, bind_any, ensure_free, listener

ASKED = {"option": "--port", "variable": "HEADRACE_PORT"}


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_free_port_is_fine(free_port):
    ensure_free("127.0.0.1", free_port, **ASKED)


def test_a_bound_port_is_ours_and_refuses_until_it_listens():
    with bind_any("127.0.0.1") as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        bound.listen()
        socket.create_connection(("127.0.0.1", port)).close()


def test_port_zero_is_always_free():
    ensure_free("127.0.0.1", 0, **ASKED)


def test_a_taken_port_names_its_owner_and_the_option(taken_port):
    with pytest.raises(PortTaken) as error:
        ensure_free("127.0.0.1", taken_port, **ASKED)

    message = str(error.value)
    assert message.startswith(f"port {taken_port} on 127.0.0.1 is taken by ")
    assert "--port (HEADRACE_PORT)" in message


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who listens")
def test_the_owner_is_named_with_its_pid(taken_port):
    assert listener(taken_port).endswith(f"(pid {os.getpid()})")


def test_a_port_that_nobody_has_has_no_owner(free_port):
    assert listener(free_port) is None


def test_a_host_that_is_not_ours_is_said_so():
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1 .*--host"):
        ensure_free("192.0.2.1", 8080, **ASKED)
