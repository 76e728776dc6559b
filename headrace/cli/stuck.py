"""`headrace stuck`: what does not move, why, and what to do about it."""

from itertools import islice

import typer

from headrace.api_client import ApiClient
from headrace.cli.exits import FAILED
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import note, print_json, print_table


def stuck(*, url: Url = URL, limit: Limit = 100, as_json: Json = False) -> None:
    """List what is stuck: partitions, the read side, enrollments. Exits with 1 when something is."""
    found = list(islice(ApiClient(url).pages("/stuck"), limit))
    if as_json:
        print_json({"items": found})
    else:
        print_table(
            ("what", "since", "reason", "words", "workflow", "step", "contact", "id"),
            [
                (
                    item["kind"] if item["partition"] is None else f"{item['kind']} {item['partition']}",
                    item["since"],
                    item["reason"],
                    item["message"],
                    item["workflow_name"],
                    item["step_id"],
                    item["contact_id"],
                    item["enrollment_id"],
                )
                for item in found
            ],
            empty="nothing is stuck",
        )
        for reason, mend in {item["reason"]: item["mend"] for item in found}.items():
            note(f"{reason}: {mend}")
    if found:
        raise typer.Exit(FAILED)
