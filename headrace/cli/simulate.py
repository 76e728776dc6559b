"""`headrace simulate`: a made-up population lives through workflows; works offline."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.times import read_time_ms
from headrace.cli.definition_files import FilesArgument, read_files
from headrace.cli.options import Json
from headrace.cli.output import note, print_json, print_table, print_text
from headrace.cli.times import UNTIL, parse_time

if TYPE_CHECKING:
    from headrace.simulator.history import Plan
    from headrace.simulator.summary import Summary, WorkflowSummary
    from schemas.definition import Parsed


def simulate(
    files: FilesArgument,
    *,
    contacts: Annotated[
        int,
        typer.Option("--contacts", envvar="HEADRACE_SIMULATE_CONTACTS", min=1, max=10_000_000, help="How many."),
    ] = 1_000,
    days: Annotated[
        float,
        typer.Option("--days", envvar="HEADRACE_SIMULATE_DAYS", min=0.01, max=3_650, help="How long the history is."),
    ] = 30,
    seed: Annotated[
        int,
        typer.Option("--seed", envvar="HEADRACE_SIMULATE_SEED", help="Another one gives another history."),
    ] = 1,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            envvar="HEADRACE_SIMULATE_UNTIL",
            metavar="TIME",
            parser=parse_time,
            help=f"When it ends: {UNTIL}  [default: now]",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            envvar="HEADRACE_SIMULATE_INTO",
            metavar="DIR",
            file_okay=False,
            help="A data directory to write it into, for `headrace dev --data-dir DIR`.",
        ),
    ] = None,
    partitions: Annotated[
        int,
        typer.Option("--partitions", envvar="HEADRACE_PARTITIONS", min=1, max=1_000, help="Of the log."),
    ] = 4,
    as_json: Json = False,
) -> None:
    """Let made-up contacts live through workflows, and say what happened.

    The engine is the real one, time is virtual, and the providers take nearly everything. What the contacts are and
    do comes from the workflows' own triggers and conditions. The same seed and end give the same history.
    """
    import asyncio
    import time

    from headrace.simulator.history import Plan

    definitions = [parsed for file in read_files(files) for parsed in file.documents]
    plan = Plan(contacts=contacts, days=days, seed=seed, until_ms=_until_ms(until), partitions=partitions)
    began = time.monotonic()
    summary = asyncio.run(_run(definitions, plan, into))
    seconds = time.monotonic() - began
    if as_json:
        print_json(_json(summary, plan, into, seconds))
    else:
        _print(summary, plan, seconds)
        if into is not None:
            note(f"look at it: headrace dev --data-dir {into}")


async def _run(definitions: "list[Parsed]", plan: "Plan", into: Path | None) -> "Summary":
    from headrace.simulator.history import simulate as simulate_into

    if into is not None:
        return await simulate_into(definitions, plan, into)
    with tempfile.TemporaryDirectory(prefix="headrace-simulate-") as directory:
        return await simulate_into(definitions, plan, Path(directory) / "data")


def _until_ms(text: str | None) -> int:
    import time

    found = None if text is None else read_time_ms(text)
    return int(time.time() * 1_000) if found is None else found


def _json(summary: "Summary", plan: "Plan", into: Path | None, seconds: float) -> dict[str, Any]:
    import msgspec

    from domain.times import format_time

    about = {"since": format_time(plan.since_ms), "until": format_time(plan.until_ms), "seed": plan.seed}
    took = {"data_dir": str(into) if into else None, "seconds": round(seconds, 3)}
    return {**about, **msgspec.to_builtins(summary), **took}


def _print(summary: "Summary", plan: "Plan", seconds: float) -> None:
    from domain.times import format_time

    print_text(
        f"{summary.contacts:,} contacts, {plan.days:g} days to {format_time(plan.until_ms)}, seed {plan.seed}: "
        f"{summary.facts:,} contact events, {summary.journal_events:,} journal events, {summary.incidents:,} incidents "
        f"({seconds:.1f} s)"
    )
    for workflow in summary.workflows:
        print_text(
            f"\n{workflow.name}: {workflow.enrolled:,} enrolled ({_counts(workflow.ends)}); {_messages(workflow)}"
        )
        columns = ("step", "kind", "completed", "skipped", "failed", "waiting", "branches")
        rows = [
            (s.step_id, s.step_type, s.completed, s.skipped, s.failed, s.waiting, _counts(s.branches))
            for s in workflow.steps
        ]
        print_table(columns, rows, empty="")


def _messages(workflow: "WorkflowSummary") -> str:
    return f"sent: {_counts(workflow.messages)}" if workflow.messages else "nothing was sent"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
