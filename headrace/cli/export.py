"""`headrace export`: a workflow's definition as a file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from domain.errors import HeadraceError
from headrace.api_client import ApiClient
from headrace.cli.options import URL, Url, WorkflowArgument
from headrace.cli.output import note
from headrace.cli.workflow_names import find_workflow

Format = Literal["yaml", "json"]


class UnwritableFile(HeadraceError):
    """The output file cannot be written."""


def export(
    workflow: WorkflowArgument,
    *,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", envvar="HEADRACE_EXPORT_FORMAT", help="yaml or json; else by the output file's name, else json."
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            envvar="HEADRACE_EXPORT_VERSION",
            min=1,
            help="Which version; else the published one, else the latest.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", envvar="HEADRACE_EXPORT_OUTPUT", help="File to write; else standard output."),
    ] = None,
    url: Url = URL,
    as_json: Annotated[bool, typer.Option("--json", envvar="HEADRACE_JSON", help="The same as --format json.")] = False,
) -> None:
    """Print or save the definition of a workflow."""
    api = ApiClient(url)
    found = find_workflow(api, workflow)
    chosen = form or ("json" if as_json else _by_name(output))
    document = api.text(f"/workflows/{found['id']}/export", {"format": chosen, "version": version})
    if output is None:
        typer.echo(document, nl=not document.endswith(b"\n"))
        return
    try:
        output.write_bytes(document)
    except OSError as error:
        message = f"cannot write {output}: {error.strerror}"
        raise UnwritableFile(message) from error
    note(f"{found['name']} was written to {output}")


def _by_name(output: Path | None) -> Format:
    return "yaml" if output and output.suffix.lower() in {".yaml", ".yml"} else "json"
