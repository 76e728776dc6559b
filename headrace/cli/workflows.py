"""`headrace workflows`: what is there."""

from itertools import islice

from headrace.api_client import ApiClient
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import print_json, print_table


def workflows(*, url: Url = URL, limit: Limit = 100, as_json: Json = False) -> None:
    """List the workflows."""
    found = list(islice(ApiClient(url).pages("/workflows"), limit))
    if as_json:
        print_json({"items": found})
        return
    print_table(
        ("id", "name", "status", "latest", "published", "updated"),
        [(w["id"], w["name"], w["status"], w["version"], w["published_version"], w["updated_at"]) for w in found],
        empty="there are no workflows yet: `headrace import FILE` brings one in",
    )
