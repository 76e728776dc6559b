"""Which workflow is meant: people say its name, the API wants its id."""

from difflib import get_close_matches
from typing import Any

from domain.errors import HeadraceError
from headrace.api_client import ApiClient
from headrace.cli.naming import is_id

Workflow = dict[str, Any]


class NoSuchWorkflow(HeadraceError):
    """There is no workflow of this name."""


class AmbiguousName(HeadraceError):
    """Several workflows have this name."""


def find_workflow(api: ApiClient, text: str) -> Workflow:
    """The workflow with this id, or the only one of this name; an archived one only if no other has the name.

    Raises:
        NoSuchWorkflow: there is none.
        AmbiguousName: there are several.
    """
    if is_id(text):
        found: Workflow = api.get(f"/workflows/{text}")
        return found
    workflows = list(api.pages("/workflows"))
    named = [workflow for workflow in workflows if workflow["name"] == text]
    candidates = live(named) or named
    if not candidates:
        near = get_close_matches(text, {workflow["name"] for workflow in workflows}, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`headrace workflows` lists them"
        message = f"no workflow has the name or id {text!r}: {hint}"
        raise NoSuchWorkflow(message)
    return only(candidates, mend="name it by its id")


def only(workflows: list[Workflow], *, mend: str) -> Workflow:
    """The one workflow in the list.

    Raises:
        AmbiguousName: there are several; `mend` says what to do.
    """
    if len(workflows) > 1:
        ids = "".join(f"\n  {workflow['id']}  {workflow['status']}" for workflow in workflows)
        message = f"{len(workflows)} workflows have the name {workflows[0]['name']!r}: {mend}{ids}"
        raise AmbiguousName(message)
    return workflows[0]


def live(workflows: list[Workflow]) -> list[Workflow]:
    """Those that are not archived."""
    return [workflow for workflow in workflows if workflow["status"] != "archived"]


def live_of_name(api: ApiClient, name: str) -> list[Workflow]:
    """Every workflow of this name that is not archived."""
    return live([workflow for workflow in api.pages("/workflows") if workflow["name"] == name])
