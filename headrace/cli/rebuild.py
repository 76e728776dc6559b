"""`headrace rebuild`: makes the read side's tables anew from the log, compares them with the live ones, and swaps."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from headrace.cli.exits import FAILED
from headrace.cli.jobs import Here, Workers, run_job
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note, print_json, print_table, print_text
from headrace.errors import UsageError

_COLUMNS: Final = ("table", "rows_live", "rows_rebuilt", "differing")


def rebuild(
    projections: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROJECTION...]",
            help="Projections by name, rebuilt with those whose rows they read; by default all.",
            show_default=False,
        ),
    ] = None,
    *,
    swap: Annotated[
        bool,
        typer.Option("--swap/--no-swap", envvar="HEADRACE_REBUILD_SWAP", help="Whether the rebuilt tables go live."),
    ] = True,
    fail_if_different: Annotated[
        bool,
        typer.Option(
            "--fail-if-different",
            envvar="HEADRACE_REBUILD_FAIL_IF_DIFFERENT",
            help="Leave the live tables as they are, and end with 1, when they differ.",
        ),
    ] = False,
    rollback: Annotated[
        bool,
        typer.Option(
            "--rollback",
            envvar="HEADRACE_REBUILD_ROLLBACK",
            help="Rebuild nothing: bring back the tables that were live before the last swap.",
        ),
    ] = False,
    workers: Workers = None,
    url: Url = URL,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Rebuild the read side from the log beside the live tables, compare the two, and swap them at once.

    Nobody who reads waits meanwhile. One that was stopped goes on where it was. The tables of before are kept: --rollback.
    With --no-swap it only compares, and ends with 1 when something differs.
    """
    if rollback and (projections or not swap or fail_if_different):
        message = "--rollback goes alone: it brings back what the last swap replaced"
        raise UsageError(message)
    body = {
        "projections": projections or [],
        "swap": swap,
        "fail_if_different": fail_if_different,
        "rollback": rollback,
        "workers": workers,
    }
    last = run_job("rebuild", body, url=url, here=here)
    if as_json:
        print_json(last.report)
    else:
        _print(last.report)
    if not last.ok:
        raise typer.Exit(FAILED)


def _print(report: Mapping[str, Any]) -> None:
    tables = report["tables"]
    if tables:
        rows = [[str(table[column]) for column in _COLUMNS] for table in tables]
        print_table([name.replace("_", " ") for name in _COLUMNS], rows, empty="")
        for table in tables:
            for difference in table["first"]:
                print_text(_difference(table["table"], difference))
    if report["anew"]:
        note(f"the tables that an earlier rebuild had left were no use: {report['anew']}")
    seconds = report["seconds"]
    rate = f", {report['records'] / seconds:,.0f} a second" if report["records"] and seconds else ""
    resumed = ", from where an earlier rebuild had stopped" if report["resumed"] else ""
    print_text(f"{report['records']:,} records projected in {seconds:.1f} s{rate}{resumed}")
    print_text(_RESULTS[report["result"]].format(paused=report["reads_paused_ms"]))


def _difference(table: str, difference: Mapping[str, Any]) -> str:
    key = ", ".join(f"{name} {_value(value)}" for name, value in difference["key"].items())
    columns = [
        f"{one['column']} {_value(one['live'])} in live, {_value(one['rebuilt'])} rebuilt"
        for one in difference["columns"]
    ]
    return f"{table}, {key}: {'; '.join(columns) or _ONE_SIDE[difference['found']]}"


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_ONE_SIDE: Final = {
    "in live only": "in live, not rebuilt",
    "rebuilt only": "rebuilt, not in live",
    "in both": "differs",
}
_RESULTS: Final = {
    "swapped": "The rebuilt tables are live; who read meanwhile waited {paused:.0f} ms at most. "
    "`headrace rebuild --rollback` brings the old ones back.",
    "rolled_back": "The tables of before are live again, with all that came since; `headrace rebuild --rollback` takes it back.",
    "equal": "Live and rebuilt are equal; nothing was swapped.",
    "kept": "Live differs from what was rebuilt, and stays as it is; `headrace rebuild` swaps.",
}
