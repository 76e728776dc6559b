"""Definition files as the command line gets them: paths, or `-` for standard input."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from headrace.errors import UsageError

if TYPE_CHECKING:
    from schemas.definition import Parsed

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="YAML or JSON files; - reads standard input.")
]


_READ_AT_MOST: Final = 64 * 2**20
"""Far more than a definition may have: enough to be refused with its true size, whatever is piped in."""


class DefinitionFile(NamedTuple):
    """A file and what it says: one document, or several in one YAML file."""

    name: str
    lines: list[str]
    data: bytes
    documents: "list[Parsed]"


def read_files(paths: list[str]) -> list[DefinitionFile]:
    """Read and parse each file.

    Raises:
        UsageError: a file cannot be read, or standard input is named twice.
        UnusablePlugIn: an installed plug-in, whose step kinds the files may use, can't be used.
    """
    from headrace.plug_ins import load_plug_ins

    load_plug_ins()
    if paths.count("-") > 1:
        message = "standard input (-) can be read only once"
        raise UsageError(message)
    return [_read(path) for path in paths]


def _read(path: str) -> DefinitionFile:
    from schemas.definition import parse_all

    name = "<stdin>" if path == "-" else path
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_READ_AT_MOST)
        else:
            with Path(path).open("rb") as file:
                data = file.read(_READ_AT_MOST)
    except OSError as error:
        message = f"cannot read {path}: {(error.strerror or str(error)).lower()}"
        raise UsageError(message) from error
    lines = re.split("\r\n|\r|\n", data.decode("utf-8-sig", "replace"))
    return DefinitionFile(name, lines, data, parse_all(data, filename=None if path == "-" else path))
