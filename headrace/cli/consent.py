"""`headrace consent`: who is not written to, and bringing in the list that another system kept."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from headrace.api_client import ApiClient
from headrace.cli.exits import FAILED
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note, print_json, print_table, print_text

_AT_ONCE = 500
"""Addresses in a request."""

consent = typer.Typer(
    help="Show a contact's consent, and bring in addresses that are not written to.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@consent.command("show")
def show_consent(
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="A contact's id.")],
    *,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show which of a contact's addresses are not written to, and why."""
    found = ApiClient(url).get(f"/contacts/{quote(contact, safe='')}/consent")
    if as_json:
        print_json(found)
        return
    columns = ("channel", "address", "allowed", "reason", "at")
    rows = [tuple(one[name] for name in columns) for one in found["items"]]
    print_table(columns, rows, empty="no address was ever opted out; all may be written to")


@consent.command("import")
def import_consent(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="CSV with a column `phone`, `email`, or `address` (and `channel`); others are passed over.",
        ),
    ],
    *,
    channel: Annotated[
        Literal["sms", "email"] | None,
        typer.Option("--channel", envvar="HEADRACE_CONSENT_CHANNEL", help="Of addresses whose column does not say it."),
    ] = None,
    reason: Annotated[
        Literal["opted_out", "bounced", "spam_reported"],
        typer.Option("--reason", envvar="HEADRACE_CONSENT_REASON", help="Why they are not written to."),
    ] = "opted_out",
    allow: Annotated[
        bool, typer.Option("--allow", envvar="HEADRACE_CONSENT_ALLOW", help="They may be written to again.")
    ] = False,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Opt out every address of a file, as of another system's suppression list.

    It holds for every contact that has the address now. Import contacts before it: an address that no contact has yet is named, and not remembered. It may be repeated
    at any time; what is so already is left as it is. Ends with 1 when an address can't be one.
    """
    from headrace.suppression_list import read_list

    listed = read_list(file, channel)
    api, items = ApiClient(url), []
    for first in range(0, len(listed), _AT_ONCE):
        some = listed[first : first + _AT_ONCE]
        told = [{"channel": one.channel, "address": one.address, "allowed": allow} for one in some]
        body = {"items": [one if allow else {**one, "reason": reason} for one in told]}
        answer = api.post("/consents", body)
        if "items" not in answer:  # it took longer to show: by now it does, and nothing is done twice
            answer = api.post("/consents", body)
        items += [{"line": one.line, **item} for one, item in zip(some, answer["items"], strict=True)]
    if as_json:
        print_json({"items": items})
    else:
        _print(items, allow=allow)
    if any(item["problem"] for item in items):
        raise typer.Exit(FAILED)


def _print(items: list[dict[str, Any]], *, allow: bool) -> None:
    for item in items:
        if item["problem"]:
            note(f"line {item['line']}: {item['address']}: {item['problem']}")
    nobodys = [item for item in items if not item["contacts"] and not item["problem"]]
    for item in nobodys:
        note(f"line {item['line']}: {item['address']}: no contact has it")
    held = sum(item["contacts"] > 0 for item in items)
    contacts = sum(item["contacts"] for item in items)
    what = "may be written to again" if allow else "are not written to any more"
    print_text(f"addresses that {what}: {held} of {len(items)}; contacts that have them: {contacts}")
    if nobodys:
        note(f"no contact has {len(nobodys)} of them: import the contacts, and then this file again")
