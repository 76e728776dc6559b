"""Running Postgres for root: it refuses to be root itself, so it gets a user of its own and loses all else."""

import os
import pwd
import stat
from pathlib import Path
from typing import Final

import msgspec

from projections.errors import EmbeddedPostgresError

_USERS: Final = ("postgres", "nobody")
_CAPABILITIES: Final = {"dac_read_search": 2, "dac_override": 1}
"""What lets a process walk through directories that are closed to it, the weaker one first; with its bit."""


class RunAs(msgspec.Struct, frozen=True):
    """Whom the server runs as: a user and group, and the words to put before its commands."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()


def run_as(data: Path, *needed: Path) -> RunAs:
    """Whom to run as so that the server owns `data` and can reach every `needed` path.

    Everybody but root runs it as themselves. Root hands it to the owner of a cluster that stands, to the
    user behind `sudo`, or to a system user. Where a parent directory is closed to that user (as /root is),
    the server keeps one capability to walk through, rather than the directory being opened to all.

    Raises:
        EmbeddedPostgresError: root has no user to hand it to.
    """
    if os.geteuid() != 0:
        return RunAs(os.geteuid(), os.getegid())
    user = _user(data)
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    closed = [parent for path in (data, *needed) for parent in path.parents if not _open_to_all(parent)]
    if closed:
        capability = _held_capability(closed[0])
        prefix += [f"--inh-caps=-all,+{capability}", f"--ambient-caps=-all,+{capability}"]
    return RunAs(user.pw_uid, user.pw_gid, tuple(prefix))


def _user(data: Path) -> pwd.struct_passwd:
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    sudo_uid = int(os.environ.get("SUDO_UID", "0"))
    if sudo_uid:
        return pwd.getpwuid(sudo_uid)
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = (
        f"Postgres does not run as root, and there is none of the users {', '.join(_USERS)} to run it as; "
        "start Headrace as another user, or set HEADRACE_DATABASE_URL"
    )
    raise EmbeddedPostgresError(message)


def _open_to_all(directory: Path) -> bool:
    return not directory.exists() or bool(directory.stat().st_mode & stat.S_IXOTH)


def _held_capability(closed: Path) -> str:
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    for name, bit in _CAPABILITIES.items():
        if held >> bit & 1:
            return name
    message = (
        f"Postgres does not run as root, and no other user can enter {closed}; "
        "use a data directory elsewhere, or set HEADRACE_DATABASE_URL"
    )
    raise EmbeddedPostgresError(message)
