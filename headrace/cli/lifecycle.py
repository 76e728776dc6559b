"""`headrace pause` and `headrace resume`: let a workflow stand still, and go on."""

from headrace.api_client import ApiClient
from headrace.cli.options import URL, Json, Url, WorkflowArgument
from headrace.cli.output import print_json, print_text
from headrace.cli.workflow_names import find_workflow


def pause(workflow: WorkflowArgument, *, url: Url = URL, as_json: Json = False) -> None:
    """Pause a workflow: it enrols nobody, and its open enrollments stand still, none getting later."""
    _switch(workflow, "pause", "is paused: it enrols nobody, and its enrollments stand still", url, as_json=as_json)


def resume(workflow: WorkflowArgument, *, url: Url = URL, as_json: Json = False) -> None:
    """Let a paused workflow go on; its timers are later by the time that it stood still."""
    _switch(workflow, "resume", "goes on, its timers later by the time that it stood still", url, as_json=as_json)


def _switch(workflow: str, verb: str, words: str, url: str, *, as_json: bool) -> None:
    api = ApiClient(url)
    found = find_workflow(api, workflow)
    api.post(f"/workflows/{found['id']}/{verb}")
    if as_json:
        print_json(api.get(f"/workflows/{found['id']}"))
    else:
        print_text(f"{found['name']} {words} ({found['id']})")
