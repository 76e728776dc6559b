"""`headrace import`: bring definitions and templates in; each workflow goes to the live one of its name."""

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from headrace.api_client import JSON, YAML, ApiClient, ApiProblem
from headrace.cli.definition_files import DefinitionFile, FilesArgument, read_files
from headrace.cli.diagnostics import explain, print_remote_diagnostics
from headrace.cli.exits import FAILED
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note, print_json, print_text
from headrace.cli.publish import publish_version
from headrace.cli.workflow_names import live_of_name, only
from headrace.errors import UsageError

_VERSION: Final = re.compile(r"/versions/(\d+)$")

if TYPE_CHECKING:
    from schemas.definition import Parsed


class _Document(NamedTuple):
    file: DefinitionFile
    parsed: "Parsed"


def import_files(
    files: FilesArgument,
    *,
    workflow_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            envvar="HEADRACE_IMPORT_ID",
            metavar="ID",
            help="The workflow to import into, when its name is not enough.",
        ),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", envvar="HEADRACE_IMPORT_PUBLISH", help="Publish each imported version.")
    ] = False,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Import workflow definitions and templates.

    A workflow becomes the next version of the live one of its name, or a new one if there is none. Templates of all
    files come first. Nothing is sent unless every file can be read.
    """
    documents = _checked(read_files(files), workflow_id)
    api = ApiClient(url)
    imported = []
    for document in documents:
        result = _import(api, document, workflow_id, publish=publish)
        imported.append(result)
        if not as_json:
            print_text(_sentence(result))
    if as_json:
        print_json({"imported": imported})


def _checked(files: list[DefinitionFile], workflow_id: str | None) -> list[_Document]:
    """Templates first. Findings go to standard error; what cannot be read ends the command."""
    documents = [_Document(file, parsed) for file in files for parsed in file.documents]
    for file, parsed in documents:
        for diagnostic in parsed.diagnostics:
            note(explain(file.name, file.lines, diagnostic))
    if any(parsed.unreadable for _, parsed in documents):
        note("headrace: nothing was imported")
        raise typer.Exit(FAILED)
    if workflow_id and sum(parsed.template is None for _, parsed in documents) > 1:
        message = "--id names one workflow, and the files have several"
        raise UsageError(message)
    return sorted(documents, key=lambda document: document.parsed.template is None)


def _import(api: ApiClient, document: _Document, workflow_id: str | None, *, publish: bool) -> dict[str, Any]:
    parsed = document.parsed
    if parsed.template is not None:
        import msgspec

        api.post("/templates", msgspec.to_builtins(parsed.template))
        return {"file": document.file.name, "kind": "template", "name": parsed.name}
    try:
        workflow = _import_workflow(api, document, workflow_id)
    except ApiProblem as problem:
        print_remote_diagnostics(problem.diagnostics)
        raise
    here = {(d.code, d.path) for d in parsed.diagnostics}
    # What only Headrace can know: which templates are not defined.
    print_remote_diagnostics(d for d in workflow["diagnostics"] if (d["code"], d["path"]) not in here)
    if publish:
        try:
            live = publish_version(api, workflow["id"], version=workflow["version"], accept=[])
        except ApiProblem:
            note(f"{workflow['name']}: version {workflow['version']} was imported, not published ({workflow['id']})")
            raise
        workflow = {**workflow, **live, "version": workflow["version"]}
    return {"file": document.file.name, "kind": "workflow", **workflow}


def _import_workflow(api: ApiClient, document: _Document, workflow_id: str | None) -> dict[str, Any]:
    parsed = document.parsed
    alone = len(document.file.documents) == 1
    source = document.file.data if alone else parsed.source.encode()
    content_type = JSON if parsed.format == "json" else YAML
    named = [] if workflow_id else live_of_name(api, parsed.name or "")
    target = workflow_id or (only(named, mend="say by --id which one to import into")["id"] if named else None)
    path = f"/workflows/{target}/import" if target else "/workflows"
    written = api.send(path, source, content_type)
    workflow: dict[str, Any] = written.value
    if "id" in workflow:
        version = int(_VERSION.findall(written.location)[0]) if target else workflow["version"]
    else:  # it showed late: this is the command's status
        version = workflow["version"]
        workflow = api.get(f"/workflows/{workflow['workflow_id']}")
    return {**workflow, "version": version, "unchanged": written.unchanged}


def _sentence(result: dict[str, Any]) -> str:
    if result["kind"] == "template":
        return f"template {result['name']}: defined"
    live = result["published_version"] == result["version"]
    state = "live" if live else "a draft" if result["published_version"] is None else "not published"
    before = ", which has the same content," if result["unchanged"] else ""
    return f"{result['name']}: version {result['version']}{before} is {state} ({result['id']})"
