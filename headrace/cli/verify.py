"""`headrace verify`: proof that the journal, the stores and the read side say the same."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from headrace.cli.exits import FAILED
from headrace.cli.jobs import Here, Workers, run_job
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import compact, print_json, print_table, print_text

_SHORT = 12
"""Digits of a hash in a table: enough to see that two are one; `--json` has all."""


def verify(
    *,
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start",
            envvar="HEADRACE_VERIFY_FROM_START",
            help="Fold the journal from its start, not from where the last verification stood.",
        ),
    ] = False,
    partition: Annotated[
        int | None,
        typer.Option("--partition", envvar="HEADRACE_VERIFY_PARTITION", min=0, help="Verify this partition alone."),
    ] = None,
    workers: Workers = None,
    stores_only: Annotated[
        bool,
        typer.Option(
            "--stores-only",
            envvar="HEADRACE_VERIFY_STORES_ONLY",
            help="Verify the stores of that machine, and not the read side.",
        ),
    ] = False,
    url: Url = URL,
    here: Here = False,
    as_json: Json = False,
) -> None:
    """Fold the journal and compare the read side and the workers' stores with it, partition by partition.

    Ends with 0 when all is as the journal says, with 1 when anything differs, or when there was nothing to compare, and
    names what: contact, table and column, what was expected and what was found. Stores are compared on the machine that
    does the work.
    """
    asked = {"from_start": from_start, "partition": partition, "workers": workers, "stores_only": stores_only}
    last = run_job("verify", asked, url=url, here=here)
    if as_json:
        print_json(last.report)
    else:
        _show(last.report)
    if not (last.ok and _compared(last.report)):
        raise typer.Exit(FAILED)


def _compared(report: Mapping[str, Any]) -> bool:
    """Whether anything was compared at all."""
    return any(one["read_side"] or one["store"] for one in report["partitions"])


def _show(report: Mapping[str, Any]) -> None:
    columns = ("partition", "events", "contacts", "journal", "read side", "journal ", "store", "")
    print_table(columns, [_line(one) for one in report["partitions"]], empty="there are no partitions")
    rate = report["folded"] / max(report["seconds"], 0.001)
    work = f"{report['folded']:,} of {report['events']:,} journal events folded in {report['seconds']:g} s"
    print_text(f"{work} ({rate:,.0f}/s)" if report["folded"] else work)
    if not _compared(report):
        print_text("nothing was compared: stores are on the workers' machines; ask there, with --stores-only --here")
        return
    if report["ok"]:
        print_text(f"ok: {report['contacts']:,} contacts are as the journal says")
        return
    print_text(f"{report['differing']:,} {'difference' if report['differing'] == 1 else 'differences'}:")
    for one in report["differences"]:
        print_text(f"  {_words(one)}")


def _line(one: Mapping[str, Any]) -> list[Any]:
    read_side, store = one["read_side"], one["store"]
    return [
        one["partition"],
        f"{one['events']:,}",
        f"{one['contacts']:,}",
        *_hashes(read_side, "-"),
        *_hashes(store, one["store_note"] or "-"),
        "ok" if one["ok"] else "DIFFERS",
    ]


def _hashes(compared: Mapping[str, Any] | None, otherwise: str) -> tuple[str, str]:
    if compared is None:
        return "", otherwise
    return compared["expected"][:_SHORT], compared["found"][:_SHORT]


def _words(one: Mapping[str, Any]) -> str:
    who = "no contact" if one["contact_id"] is None else f"contact {one['contact_id']}"
    where = f"{one['table']}.{one['column']}" if one["column"].isidentifier() else f"{one['table']}, {one['column']}"
    row = f" of {one['key']}" if one["key"] != one["contact_id"] else ""
    return f"{who}: {where}{row}: expected {_value(one['expected'])}, found {_value(one['found'])}"


def _value(value: Any) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, str) else compact(value) or str(value)
