"""The guard against requests into private networks (SSRF): it looks at the address that is really connected to.

A guard on the URL or on the resolver is passed by literal addresses, by names that resolve anew, and by redirects;
the socket's own address is the one place that all of them come through.
"""

import errno
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from streams.providers.settings import InvalidSettings

Network = IPv4Network | IPv6Network
SocketFactory = Callable[[tuple[Any, ...]], socket.socket]

_NAT64: Final = ip_network("64:ff9b::/96")
_SIX_TO_FOUR: Final = ip_network("2002::/16")


class AddressRefused(OSError):
    """The address is not public, and not on the allow list."""

    def __init__(self, address: str) -> None:
        # The same words for every address: a connector that tried several then raises this very exception.
        super().__init__(errno.EACCES, "the address is not public")
        self.address = address


class AllowList:
    """What may be reached although it is not public: host names as they are written, and networks."""

    def __init__(self, entries: Sequence[str]) -> None:
        self.networks: Sequence[Network] = tuple(net for entry in entries if (net := _network(entry)) is not None)
        self._hosts = frozenset(_host(entry) for entry in entries if _network(entry) is None)

    def names(self, host: str) -> bool:
        """Whether the host name itself is allowed, wherever it leads."""
        return _host(host) in self._hosts


def guarded_sockets(networks: Sequence[Network]) -> SocketFactory:
    """A socket factory for `aiohttp.TCPConnector` that makes no socket for an address that is not public.

    Raises (the factory):
        AddressRefused: the address is neither public nor in one of the networks.
    """

    def make(address_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not may_reach(str(address[0]), networks):
            raise AddressRefused(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    return make


def may_reach(address: str, networks: Sequence[Network] = ()) -> bool:
    """Whether an address is public (also the IPv4 one inside an IPv6 one), or in one of the networks."""
    target = _innermost(ip_address(address.partition("%")[0]))
    if any(target in network for network in networks):
        return True
    return target.is_global and not target.is_multicast


def _innermost(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR and address.sixtofour is not None:
        return address.sixtofour
    return address


def _host(name: str) -> str:
    return name.strip().rstrip(".").lower()


def _network(entry: str) -> Network | None:
    text = entry.strip().strip("[]")
    try:
        return ip_network(text, strict=False)
    except ValueError:
        if not text or "/" in text or ":" in text:
            raise InvalidSettings(
                f"HEADRACE_HTTP_ALLOW: expected host names, addresses or networks like 10.0.0.0/8, found {entry!r}"
            ) from None
        return None
