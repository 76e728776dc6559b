"""`headrace record`: a production history as a workflow test."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.api_client import ApiClient
from headrace.cli.exits import FAILED
from headrace.cli.export import UnwritableFile
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note, print_json
from headrace.cli.workflow_names import find_workflow

if TYPE_CHECKING:
    from headrace.recorder import Recorded


def record(
    target: Annotated[
        str, typer.Argument(metavar="CONTACT|ENROLLMENT", help="A contact's id, or the id of one of its enrollments.")
    ],
    *,
    workflow: Annotated[
        str | None,
        typer.Option(
            "--workflow",
            envvar="HEADRACE_RECORD_WORKFLOW",
            metavar="WORKFLOW",
            help="Only the contact's enrollments in this workflow.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", envvar="HEADRACE_RECORD_OUTPUT", help="File to write; else standard output."),
    ] = None,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition",
            envvar="HEADRACE_RECORD_DEFINITION",
            exists=True,
            dir_okay=False,
            help="A definition file that the test is to name; else it holds the recorded version itself.",
        ),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            "--mask",
            envvar="HEADRACE_RECORD_MASK",
            metavar="FIELD",
            help="A custom field to mask too; may be repeated.",
        ),
    ] = None,
    personal: Annotated[
        bool,
        typer.Option("--personal", envvar="HEADRACE_RECORD_PERSONAL", help="Keep personal data, which is else masked."),
    ] = False,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Record what happened to a contact as workflow tests, one for each enrollment; `headrace test FILE` plays them.

    Names, addresses, numbers and messages become stand-ins; each test is played before it is written, and takes the
    path that the journal has. Where a decision depends on a personal text, it is kept and that is said.
    """
    from headrace.recorder import Recorded, Recorder, Refused
    from headrace.settings import load_settings

    directory = output.parent if output is not None else Path()
    named = None if definition is None else os.path.relpath(definition, directory)
    workflow_id = None if workflow is None else str(find_workflow(ApiClient(url), workflow)["id"])
    region = load_settings().phone_region
    recorder = Recorder(url, fields=mask or (), personal=personal, definition=named, phone_region=region)
    found = recorder.record(target, workflow_id, directory)
    tests = [one for one in found if isinstance(one, Recorded)]
    refused = [one for one in found if isinstance(one, Refused)]
    for one in refused:
        note(f"enrollment {one.enrollment_id} was not recorded: {one.reason}")
    for test in tests:
        for kept in test.kept:
            note(f"{test.name}: {kept}")
    if as_json:
        import msgspec

        print_json({"tests": msgspec.to_builtins(tests), "refused": msgspec.to_builtins(refused)})
    if tests:
        _write(tests, output, print_too=not as_json)
    if refused:
        raise typer.Exit(FAILED)


def _write(tests: "list[Recorded]", output: Path | None, *, print_too: bool) -> None:
    from schemas.definition import export

    text = "---\n".join(export(test.document, "yaml") for test in tests)
    if output is None:
        if print_too:
            typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write {output}: {error.strerror}"
        raise UnwritableFile(message) from error
    note(f"{len(tests)} test{'s were' if len(tests) != 1 else ' was'} written to {output}: headrace test {output}")
