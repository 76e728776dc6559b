"""Playing workflow tests from files: on the definition that they hold or name, or on another one."""

from pathlib import Path
from typing import Any

import msgspec

from domain.catalogue import ACCEPTABLE
from domain.definition import Diagnostic, TemplateText
from domain.errors import HeadraceError
from domain.path import Divergence, first_divergence
from domain.path import Path as StepPath
from domain.rehearsal import rehearse
from headrace.compiling import compile_document
from headrace.errors import UsageError
from schemas.definition import Parsed, parse_all
from schemas.workflow_tests import ReadTest, read_tests

_MAY_STAY = frozenset().union(*ACCEPTABLE.values())
"""Errors with which a version may have been published."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How a test went: it passed unless there is a divergence or a problem (or diagnostics of its own document)."""

    name: str
    path: StepPath | None = None
    divergence: Divergence | None = None
    problem: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the contact took the expected path."""
        return self.divergence is None and self.problem is None


def play_file(file: Path, data: bytes, definition: Path | None, phone_region: str | None = None) -> list[Played]:
    """Play every test of a file, on `definition` if it is given; `phone_region` is of those that name none."""
    return [play_document(read, file.parent, definition, phone_region) for read in read_tests(data, file.name)]


def play_document(read: ReadTest, directory: Path, definition: Path | None, phone_region: str | None = None) -> Played:
    """Play a test; a definition that it names by path stands relative to `directory`."""
    if read.test is None:
        return Played(name=read.name, problem="it is no workflow test that can be read", diagnostics=read.diagnostics)
    try:
        document, templates = _definition(read, directory, definition)
        workflow = compile_document(document, read.test.workflow_id, read.test.version, templates, ())
    except HeadraceError as error:
        return Played(name=read.name, problem=str(error))
    test = msgspec.structs.replace(read.test, phone_region=read.test.phone_region or phone_region)
    path = rehearse(test, workflow)
    return Played(name=read.name, path=path, divergence=first_divergence(test.expects, path))


def _definition(read: ReadTest, directory: Path, other: Path | None) -> tuple[dict[str, Any], dict[str, TemplateText]]:
    if other is None and not isinstance(read.definition, str):
        return read.definition, read.templates
    path = other or directory / str(read.definition)
    parsed = parse_all(_bytes(path), filename=path.name)
    templates = {one.template.name: one.template for one in parsed if one.template is not None}
    return _workflow(parsed, path, read.workflow_name), {**read.templates, **templates}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot read the definition {path}: {(error.strerror or str(error)).lower()}"
        raise UsageError(message) from error


def _workflow(parsed: list[Parsed], path: Path, name: str) -> dict[str, Any]:
    """The one workflow of the file, or of several the one of this name."""
    workflows = [one for one in parsed if one.kind == "workflow"]
    named = [one for one in workflows if one.name == name] if len(workflows) > 1 else workflows
    if len(named) != 1:
        message = f"expected one workflow in {path}, or one with the name {name!r}; found {len(workflows)}"
        raise HeadraceError(message)
    errors = [one for one in named[0].diagnostics if one.severity == "error" and one.code not in _MAY_STAY]
    if errors or named[0].document is None:
        where = f"line {errors[0].line}: {errors[0].message}" if errors else "it can't be read"
        message = f"{path} has errors: {where}; `headrace validate` shows them all"
        raise HeadraceError(message)
    return named[0].document
