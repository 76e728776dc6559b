"""The connection guard: which addresses may be connected to."""

import socket

import pytest

from streams.providers.connection_guard import AddressRefused, AllowList, guarded_sockets, may_reach
from streams.providers.settings import InvalidSettings

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_inside_is_reached(address):
    assert not may_reach(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address):
    assert may_reach(address)


@pytest.mark.parametrize(
    ("entry", "reached", "refused"),
    [
        ("10.1.0.0/16", "10.1.2.3", "10.2.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
        ("[::1]", "::1", "127.0.0.1"),
        ("fc00::/7", "fd12::1", "fe80::1"),
        ("192.168.1.7/24", "192.168.1.200", "192.168.2.1"),
    ],
)
def test_the_allow_list_opens_its_networks_and_no_other(entry, reached, refused):
    networks = AllowList((entry,)).networks
    assert may_reach(reached, networks)
    assert not may_reach(refused, networks)


def test_a_host_name_on_the_allow_list_is_matched_whole_and_without_case():
    allow = AllowList(("Hooks.Internal", "10.0.0.0/8"))
    assert allow.names("hooks.internal")
    assert allow.names("HOOKS.internal.")
    assert not allow.names("evil.hooks.internal")
    assert not allow.names("hooks.internal.evil.example")


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "http://internal", "", "host:8080"])
def test_an_entry_that_is_neither_host_nor_network_is_refused_with_the_setting_named(entry):
    with pytest.raises(InvalidSettings, match="HEADRACE_HTTP_ALLOW"):
        AllowList((entry,))


def test_the_socket_factory_makes_no_socket_for_a_private_address():
    make = guarded_sockets(())
    with pytest.raises(AddressRefused) as refused:
        make((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80)))
    assert refused.value.address == "10.0.0.1"
    with make((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 80))) as made:
        assert made.family == socket.AF_INET
