"""Whether a port can be listened on, and who has it if not: said before anything is started."""

import contextlib
import errno
import socket
from pathlib import Path

from domain.errors import HeadraceError

_LISTENING = "0A"
"""The state LISTEN in Linux's /proc/net/tcp (include/net/tcp_states.h)."""


class PortTaken(HeadraceError):
    """Another process listens on a port that Headrace needs."""


class CannotListen(HeadraceError):
    """An address and port cannot be listened on."""


def ensure_free(host: str, port: int, *, option: str, variable: str) -> None:
    """Check that `host`:`port` can be listened on; port 0 always can.

    Raises:
        PortTaken: another process listens there; the message names it where the system tells, and the option to use.
        CannotListen: the host is no address of this machine, or the port needs rights.
    """
    mend = f"{option} ({variable})"
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in addresses:
            _bind(family, kind, protocol, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            taken_by = listener(port) or "another process"
            message = f"port {port} on {host} is taken by {taken_by}: stop it, or choose another port by {mend}"
            raise PortTaken(message) from error
        if error.errno == errno.EACCES:
            message = f"port {port} may be used by root only: choose one above 1023 by {mend}"
            raise CannotListen(message) from error
        message = (
            f"cannot listen on {host} ({error.strerror}): name an address of this machine by --host (HEADRACE_HOST)"
        )
        raise CannotListen(message) from error


def bind_any(host: str) -> socket.socket:
    """A socket bound to a free port of the host. Nobody is kept waiting: connections are refused until it listens."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    bound.bind(address)
    return bound


def _bind(family: int, kind: int, protocol: int, address: object) -> None:
    with socket.socket(family, kind, protocol) as probe:
        # As asyncio's servers do: connections that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)  # type: ignore[arg-type]


def listener(port: int) -> str | None:
    """The process that listens on a TCP port of this machine, as `name (pid 1234)`; None where the system does not tell."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_inodes(Path("/proc/net") / table, port)}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        with contextlib.suppress(OSError):  # it ended, or belongs to somebody else
            if any(_target(link) in wanted for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _target(link: Path) -> str:
    """What an open file is; empty when it was closed meanwhile."""
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _listening_inodes(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]
