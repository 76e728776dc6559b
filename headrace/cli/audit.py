"""`headrace audit`: the send ledger against what the providers say that they got; for a person, and for cron."""

from typing import Annotated, Literal

import typer

from headrace.cli.exits import FAILED
from headrace.cli.jobs import Here, run_job
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note, print_json, print_table, print_text
from headrace.cli.times import SINCE, UNTIL, parse_since, parse_time


def audit(
    *,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            envvar="HEADRACE_AUDIT_SINCE",
            metavar="TIME",
            parser=parse_since,
            help=f"From when on: {SINCE}",
        ),
    ] = "1d",
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            envvar="HEADRACE_AUDIT_UNTIL",
            metavar="TIME",
            parser=parse_time,
            help=f"Up to when: {UNTIL}  [default: now]",
        ),
    ] = None,
    channel: Annotated[
        Literal["sms", "email"] | None,
        typer.Option("--channel", envvar="HEADRACE_AUDIT_CHANNEL", help="Only this channel."),
    ] = None,
    here: Here = False,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Check the send ledger against the providers: nothing sent twice, nothing unowned, every unknown listed.

    Exits with 1 when something is found, or when a channel that was used could not be checked.
    """
    body = {"since": since, "until": until, **({"channels": [channel]} if channel else {})}
    report = run_job("audit", body, url=url, here=here)
    audited = report.report
    if as_json:
        print_json(audited)
    else:
        columns = ("kind", "channel", "contact_id", "action_key", "provider_id", "message")
        rows = [tuple(finding[name] for name in columns) for finding in audited["findings"]]
        if rows:
            print_table(columns, rows, empty="")
        for name, why in audited["not_asked"].items():
            note(f"{name} was not checked: {why}")
        print_text(
            f"intents: {audited['intents']:,}, messages that providers list: {audited['messages']:,}, "
            f"{audited['since']} to {audited['until']}; findings: {len(rows) or 'none'}"
        )
    if not report.ok:
        raise typer.Exit(FAILED)
