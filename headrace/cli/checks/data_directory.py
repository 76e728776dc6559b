"""The data directory: writable, with room, and with at most one owner."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace.cli.checks.finding import Finding
from streams.data_directory import owner_of

LEAST_FREE: Final = 100 * 2**20
ENOUGH_FREE: Final = 2**30


def check_data_directory(directory: Path, *, running: bool) -> Iterator[Finding]:
    """Whether data can be kept there, and whether its owner, if any, is the Headrace that is `running`."""
    place = directory.absolute()
    while not place.exists():
        place = place.parent
    shown = f"{directory}" if place == directory.absolute() else f"{directory} (will be made)"
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".headrace-doctor-") as probe:
            probe.write(b"headrace")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        mend = "make it writable, or name another directory by HEADRACE_DATA_DIR"
        yield Finding("data directory", "failed", f"{shown}: {error.strerror}", mend)
        return
    yield Finding("data directory", "ok", f"{shown} is writable")
    yield _free_space(place)
    yield _owner(directory, running=running)


def _owner(directory: Path, *, running: bool) -> Finding:
    """Who owns the directory: one process at a time, others talk to that one's API."""
    try:
        owner = owner_of(directory)
    except PermissionError:
        return Finding(
            "owner", "warning", "another user's data directory", "run as that user, or use another directory"
        )
    if owner is None:
        return Finding("owner", "ok", "no process has the data directory open")
    detail = f"in use by process {owner.pid}{f', which listens at {owner.url}' if owner.url else ''}"
    if running:
        return Finding("owner", "ok", detail)
    return Finding(
        "owner", "warning", detail, f"talk to it by --url {owner.url}, or stop it" if owner.url else "stop it"
    )


def _free_space(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    detail = f"{free / 2**30:.1f} GiB"
    mend = "free some space, or name another directory by HEADRACE_DATA_DIR: the journal is kept for ever"
    if free < LEAST_FREE:
        return Finding("free space", "failed", detail, mend)
    return Finding("free space", "warning", detail, mend) if free < ENOUGH_FREE else Finding("free space", "ok", detail)
