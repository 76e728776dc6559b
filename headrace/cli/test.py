"""`headrace test`: the path that a contact would take through a workflow now, with nothing sent or written."""

from typing import Annotated, Any

import typer

from headrace.api_client import ApiClient
from headrace.cli.options import URL, Json, Url, WorkflowArgument
from headrace.cli.output import print_json, print_table, print_text
from headrace.cli.workflow_names import find_workflow


def dry_run(
    workflow: WorkflowArgument,
    *,
    contact: Annotated[
        str, typer.Option("--contact", envvar="HEADRACE_TEST_CONTACT", metavar="ID", help="The contact to walk with.")
    ],
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            envvar="HEADRACE_TEST_VERSION",
            min=1,
            help="Which version; else the published one, else the latest.",
        ),
    ] = None,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show the path that a contact would take now (a dry run: nothing is sent or written)."""
    api = ApiClient(url)
    found = find_workflow(api, workflow)
    path = api.post(f"/workflows/{found['id']}/test", query={"contact_id": contact, "version": version})
    if as_json:
        print_json(path)
    else:
        _print_path(found["name"], path)


def _print_path(name: str, path: dict[str, Any]) -> None:
    print_text(f"{name}, version {path['version']}, contact {path['contact_id']}")
    if not path["enrolled"]:
        print_text(f"would not be enrolled: {path['reason']}")
    rows = [
        (step["step_id"], step["step_type"], step["at"], step["status"], _effect(step), step["next"] or "end")
        for step in path["steps"]
    ]
    if rows:
        print_table(("step", "kind", "at", "status", "effect", "next"), rows, empty="")
        print_text(f"ends: {path['ends']}")


def _effect(step: dict[str, Any]) -> dict[str, Any]:
    """What the step would send or change: its rendered input, and what it would give."""
    return {**(step["input_data"] or {}), **(step["output_data"] or {})}
