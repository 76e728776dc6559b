"""`headrace validate`: whether definitions hold together; works offline."""

from typing import Annotated, Any

import typer

from headrace.cli.definition_files import DefinitionFile, FilesArgument, read_files
from headrace.cli.diagnostics import explain
from headrace.cli.exits import FAILED
from headrace.cli.options import Json
from headrace.cli.output import print_json, print_text


def validate(
    files: FilesArgument,
    *,
    strict: Annotated[
        bool, typer.Option("--strict", envvar="HEADRACE_VALIDATE_STRICT", help="Warnings count as errors.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check workflow definitions and templates, without a running Headrace."""
    read = [_with_secret_warnings(file) for file in read_files(files)]
    counts = {severity: _count(read, severity) for severity in ("error", "warning", "info")}
    failed = counts["error"] > 0 or (strict and counts["warning"] > 0)
    if as_json:
        print_json({"ok": not failed, "errors": counts["error"], "warnings": counts["warning"], "files": _json(read)})
    else:
        _print(read)
    if failed:
        raise typer.Exit(FAILED)


def _with_secret_warnings(file: DefinitionFile) -> DefinitionFile:
    """Where secrets are set, what refers to another one is told, too."""
    import os

    from headrace.secrets import is_secret_variable, known_secret_names
    from headrace.settings import load_settings
    from schemas.definition import secret_warnings
    from schemas.definition.diagnostics import in_order

    if not any(map(is_secret_variable, os.environ)):
        return file
    import msgspec

    names = known_secret_names(load_settings()) or frozenset()
    documents = [
        msgspec.structs.replace(one, diagnostics=in_order((*one.diagnostics, *secret_warnings(one, names))))
        for one in file.documents
    ]
    return file._replace(documents=documents)


def _count(files: list[DefinitionFile], severity: str) -> int:
    return sum(d.severity == severity for file in files for parsed in file.documents for d in parsed.diagnostics)


def _json(files: list[DefinitionFile]) -> list[dict[str, Any]]:
    import msgspec

    return [
        {
            "file": file.name,
            "documents": [
                {"kind": p.kind, "name": p.name, "diagnostics": msgspec.to_builtins(p.diagnostics)}
                for p in file.documents
            ],
        }
        for file in files
    ]


def _print(files: list[DefinitionFile]) -> None:
    for file in files:
        for parsed in file.documents:
            for diagnostic in parsed.diagnostics:
                print_text(explain(file.name, file.lines, diagnostic))
            errors = sum(d.severity == "error" for d in parsed.diagnostics)
            warnings = sum(d.severity == "warning" for d in parsed.diagnostics)
            what = f"{parsed.kind} {parsed.name!r}" if parsed.name else parsed.kind
            print_text(f"{file.name}: {what}: {_number(errors, 'error')}, {_number(warnings, 'warning')}")


def _number(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
