"""Python and the packages that Headrace is made of."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from headrace.cli.checks.finding import Finding

LEAST_PYTHON: Final = (3, 11)
_REQUIREMENT: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?\s*>=\s*(?P<least>[0-9.]+)")


def check_python() -> Finding:
    """Whether this Python is new enough."""
    found = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info < LEAST_PYTHON:
        return Finding("python", "failed", found, "install Python 3.11 or newer, then `make clean run`")
    return Finding("python", "ok", found)


def check_packages() -> Finding:
    """Whether every package that Headrace names is there and new enough."""
    try:
        requirements = metadata.requires("headrace") or []
    except metadata.PackageNotFoundError:
        return Finding("packages", "failed", "headrace itself is not installed", "run `make install`")
    wrong = list(_wrong(requirements))
    if wrong:
        return Finding("packages", "failed", "; ".join(wrong), "run `make install`")
    return Finding("packages", "ok", f"headrace {metadata.version('headrace')} and all that it needs")


def _wrong(requirements: list[str]) -> Iterator[str]:
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None or "extra ==" in requirement:
            continue
        try:
            found = metadata.version(match["name"])
        except metadata.PackageNotFoundError:
            yield f"{match['name']} is missing"
            continue
        if _numbers(found) < _numbers(match["least"]):
            yield f"{match['name']} is {found}, {match['least']} or newer is needed"


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version, as numbers that compare; what follows it (rc1, .post1) is left out."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, release[0].split("."))) if release else ()
