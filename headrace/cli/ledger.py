"""`headrace ledger`: every intent to reach a provider, and what came of it."""

from itertools import islice
from typing import Annotated, Literal

import typer

from headrace.api_client import ApiClient
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import print_json, print_table
from headrace.cli.workflow_names import find_workflow

Outcome = Literal["requested", "running", "waiting", "succeeded", "failed", "unknown", "skipped", "cancelled"]


def ledger(
    *,
    contact: Annotated[
        str | None, typer.Option("--contact", envvar="HEADRACE_LEDGER_CONTACT", metavar="ID", help="Of one contact.")
    ] = None,
    workflow: Annotated[
        str | None,
        typer.Option(
            "--workflow",
            envvar="HEADRACE_LEDGER_WORKFLOW",
            metavar="WORKFLOW",
            help="Of one workflow, by its id or name.",
        ),
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", envvar="HEADRACE_LEDGER_CHANNEL", help="sms, email, http ...")
    ] = None,
    outcome: Annotated[
        Outcome | None, typer.Option("--outcome", envvar="HEADRACE_LEDGER_OUTCOME", help="With this outcome.")
    ] = None,
    provider_id: Annotated[
        str | None, typer.Option("--provider-id", envvar="HEADRACE_LEDGER_PROVIDER_ID", help="The one with this id.")
    ] = None,
    url: Url = URL,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List what was to be sent, the newest first: attempts, outcome, and what the provider said later."""
    api = ApiClient(url)
    query = {
        "contact_id": contact,
        "workflow_id": find_workflow(api, workflow)["id"] if workflow else None,
        "channel": channel,
        "outcome": outcome,
        "provider_id": provider_id,
    }
    found = list(islice(api.pages("/ledger", query), limit))
    if as_json:
        print_json({"items": found})
        return
    columns = (
        *("requested_at", "outcome", "channel", "recipient", "contact_id", "step_id"),
        *("attempts", "delivery", "code", "provider_id"),
    )
    print_table(
        columns,
        [tuple(entry[name] for name in columns) for entry in found],
        empty="nothing was to be sent" if not any(query.values()) else "there is no such intent",
    )
