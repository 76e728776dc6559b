"""`headrace publish`: make a version the live one."""

from typing import Annotated, Any, Literal

import typer

from headrace.api_client import ApiClient, ApiProblem
from headrace.cli.diagnostics import print_remote_diagnostics
from headrace.cli.options import URL, Json, Url, WorkflowArgument
from headrace.cli.output import print_json, print_text
from headrace.cli.workflow_names import find_workflow

InFlight = Literal["pin", "migrate", "drain", "cancel"]


def publish(
    workflow: WorkflowArgument,
    *,
    version: Annotated[
        int | None,
        typer.Option("--version", envvar="HEADRACE_PUBLISH_VERSION", min=1, help="Which version; else the latest."),
    ] = None,
    in_flight: Annotated[
        InFlight,
        typer.Option(
            "--in-flight",
            envvar="HEADRACE_PUBLISH_IN_FLIGHT",
            help="What becomes of contacts in flight: they finish on their version (pin), move to the step of the same "
            "id (migrate), finish and it is reported (drain), or end (cancel).",
        ),
    ] = "pin",
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            envvar="HEADRACE_PUBLISH_ACCEPT",
            metavar="CODE",
            help="An error to publish in spite of, by its code (dangling_next); may be repeated.",
        ),
    ] = None,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Make a version of a workflow the live one."""
    api = ApiClient(url)
    found = find_workflow(api, workflow)
    answer = publish_version(api, found["id"], version=version, in_flight=in_flight, accept=accept or [])
    if as_json:
        print_json(answer)
    else:
        print_text(f"{answer['name']}: version {answer['published_version']} is live ({answer['id']})")


def publish_version(
    api: ApiClient, workflow_id: str, *, version: int | None, in_flight: InFlight = "pin", accept: list[str]
) -> dict[str, Any]:
    """Publish and give the workflow as it is then; why it was refused is printed before the refusal is raised."""
    body = {"in_flight": in_flight, "accept": accept} | ({} if version is None else {"version": version})
    try:
        api.post(f"/workflows/{workflow_id}/publish", body)
    except ApiProblem as problem:
        print_remote_diagnostics(problem.diagnostics)
        raise
    published: dict[str, Any] = api.get(f"/workflows/{workflow_id}")
    return published
