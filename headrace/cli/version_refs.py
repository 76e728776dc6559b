"""How the command line names a version to test: a file, WORKFLOW@VERSION, or `actual`."""

from pathlib import Path
from typing import Any, Final

import typer

from headrace.cli.definition_files import read_files
from headrace.cli.diagnostics import explain
from headrace.cli.exits import FAILED
from headrace.cli.output import note
from headrace.errors import UsageError

ACTUAL: Final = "actual"
PUBLISHED: Final = "published"
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})

Ref = dict[str, Any]
"""The request's `VersionRef`."""

_WORDS: Final[dict[str, Ref]] = {ACTUAL: {"actual": True}, PUBLISHED: {}}


def version_ref(text: str) -> Ref:
    """What a person typed, as the job takes it; a file's findings go to standard error, its errors end the command.

    Raises:
        UsageError: a file cannot be read, or the version is no number.
    """
    if text in _WORDS:
        return dict(_WORDS[text])
    if text.isdecimal():
        return {"version": int(text)}
    if text == "-" or Path(text).suffix.lower() in _SUFFIXES or Path(text).is_file():
        return file_ref(text)
    workflow, at, version = text.rpartition("@")
    if not at or version == PUBLISHED:
        return {"workflow": workflow or text}
    if not version.isdecimal():
        message = f"expected a version's number (or `published`) behind the @, found {version!r} in {text!r}"
        raise UsageError(message)
    return {"workflow": workflow, "version": int(version)}


def file_ref(path: str) -> Ref:
    """A definition file; raises like `version_ref`."""
    (file,) = read_files([path])
    for parsed in file.documents:
        for found in parsed.diagnostics:
            note(explain(file.name, file.lines, found))
    if any(parsed.has_errors for parsed in file.documents):
        note("headrace: nothing was tested: mend the errors first")
        raise typer.Exit(FAILED)
    name = None if path == "-" else Path(path).name
    return {"text": file.data.decode("utf-8-sig"), "filename": name}
