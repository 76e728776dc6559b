"""`headrace incidents`: work that stopped and needs a person."""

from itertools import islice
from typing import Annotated, Any, Literal

import typer

from domain.errors import HeadraceError
from headrace.api_client import ApiClient
from headrace.cli.list_by_default import ListByDefault
from headrace.cli.naming import is_id, the_one
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import print_json, print_record, print_table, print_text

How = Literal["again", "succeeded", "skip"]
Status = Literal["open", "resolved", "all"]

IncidentArgument = Annotated[str, typer.Argument(metavar="INCIDENT", help="An incident's id, or its first characters.")]
StatusOption = Annotated[Status, typer.Option("--status", envvar="HEADRACE_INCIDENTS_STATUS", help="Which ones.")]

incidents = typer.Typer(cls=ListByDefault, help="List, show and retry work that stopped.", rich_markup_mode=None)


class NothingToRetry(HeadraceError):
    """The incident is not open, or it stopped no enrollment."""


@incidents.command("list")
def list_incidents(*, status: StatusOption = "open", url: Url = URL, limit: Limit = 100, as_json: Json = False) -> None:
    """List incidents, by default the open ones."""
    query = {"status": None if status == "all" else status}
    found = list(islice(ApiClient(url).pages("/incidents", query), limit))
    if as_json:
        print_json({"items": found})
        return
    print_table(
        ("id", "status", "contact", "step", "code", "message", "opened"),
        [
            tuple(i[key] for key in ("id", "status", "contact_id", "step_id", "code", "message", "opened_at"))
            for i in found
        ],
        empty=f"there are no {'' if status == 'all' else status + ' '}incidents",
    )


@incidents.command("show")
def show_incident(incident: IncidentArgument, *, url: Url = URL, as_json: Json = False) -> None:
    """Show all of one incident."""
    found = _find(ApiClient(url), incident)
    (print_json if as_json else print_record)(found)


@incidents.command("retry")
def retry_incident(
    incident: IncidentArgument,
    *,
    how: Annotated[
        How,
        typer.Option(
            "--as",
            envvar="HEADRACE_INCIDENTS_RETRY_AS",
            help="Do the step again (again), take it as done (succeeded), or go on without it (skip).",
        ),
    ] = "again",
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Settle an open incident, so that its enrollment goes on."""
    api = ApiClient(url)
    found = _find(api, incident)
    if found["status"] != "open" or not found["enrollment_id"]:
        message = f"incident {found['id']} is {found['status']} and " + (
            "stopped no enrollment: there is nothing to retry" if not found["enrollment_id"] else "needs no retry"
        )
        raise NothingToRetry(message)
    answer = api.post(f"/enrollments/{found['enrollment_id']}/retry", {"as": how})
    if as_json:
        print_json(answer)
    else:
        print_text(f"enrollment {found['enrollment_id']} goes on ({how}) after {found['code']} in {found['step_id']}")


def _find(api: ApiClient, text: str) -> dict[str, Any]:
    if is_id(text):
        found: dict[str, Any] = api.get(f"/incidents/{text}")
        return found
    return the_one(api.pages("/incidents"), text, what="incident", lister="headrace incidents list --status all")
