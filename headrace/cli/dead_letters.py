"""`headrace dead-letters`: records that could not be read."""

from itertools import islice
from typing import Annotated

import typer

from headrace.api_client import ApiClient
from headrace.cli.list_by_default import ListByDefault
from headrace.cli.naming import the_one
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import print_json, print_record, print_table

dead_letters = typer.Typer(
    cls=ListByDefault, help="List and show records that could not be read.", rich_markup_mode=None
)


@dead_letters.command("list")
def list_dead_letters(*, url: Url = URL, limit: Limit = 100, as_json: Json = False) -> None:
    """List dead letters."""
    found = list(islice(ApiClient(url).pages("/dead-letters"), limit))
    if as_json:
        print_json({"items": found})
        return
    print_table(
        ("id", "at", "topic", "partition", "offset", "reason", "message"),
        [tuple(d[key] for key in ("id", "at", "topic", "partition", "offset", "reason", "message")) for d in found],
        empty="there are no dead letters",
    )


@dead_letters.command("show")
def show_dead_letter(
    dead_letter: Annotated[
        str, typer.Argument(metavar="DEAD_LETTER", help="A dead letter's id, or its first characters.")
    ],
    *,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show all of one dead letter, its bytes included."""
    letters = ApiClient(url).pages("/dead-letters")
    found = the_one(letters, dead_letter, what="dead letter", lister="headrace dead-letters list")
    (print_json if as_json else print_record)(found)
