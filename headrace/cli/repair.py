"""`headrace repair`: after an outage, what is late or failed, and what becomes of it."""

import contextlib
import getpass
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from headrace.api_client import ApiClient
from headrace.cli.exits import FAILED
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note as say
from headrace.cli.output import print_json, print_table, print_text
from headrace.cli.times import parse_span
from headrace.cli.workflow_names import find_workflow
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.repair_plan import Plan
    from headrace.repairing import Outcome

How = Literal["run", "skip", "exit"]
Kind = Literal["wait", "retry", "action", "held", "paused", "failed"]
_SHOWN = 20
"""Refusals that are told one by one."""


def repair(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="PLAN", help="A plan's file to apply, as --plan -o wrote it.")
    ] = None,
    *,
    plan: Annotated[
        bool, typer.Option("--plan", envvar="HEADRACE_REPAIR_PLAN", help="Only list what would be done (the default).")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", envvar="HEADRACE_REPAIR_APPLY", help="Do it: PLAN, or what the options select.")
    ] = False,
    workflow: Annotated[
        str | None,
        typer.Option(
            "--workflow",
            envvar="HEADRACE_REPAIR_WORKFLOW",
            metavar="WORKFLOW",
            help="Only of this workflow: its id or name.",
        ),
    ] = None,
    step: Annotated[
        str | None, typer.Option("--step", metavar="STEP", envvar="HEADRACE_REPAIR_STEP", help="Only at this step.")
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option("--kind", envvar="HEADRACE_REPAIR_KIND", help="Only what is late in this way.")
    ] = None,
    late: Annotated[
        float,
        typer.Option(
            "--late",
            envvar="HEADRACE_REPAIR_LATE",
            metavar="SPAN",
            parser=parse_span,
            help="Only what is later than this, as 15m or 2h.",
        ),
    ] = "1m",  # type: ignore[assignment]  # typer parses the default as it parses what is typed
    how: Annotated[
        How | None,
        typer.Option(
            "--as",
            envvar="HEADRACE_REPAIR_AS",
            help="Run it now, skip the step, or exit the workflow; else as its definition says, else it is left alone.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", envvar="HEADRACE_REPAIR_OUTPUT", dir_okay=False, help="File to save the plan in."
        ),
    ] = None,
    rate: Annotated[
        float,
        typer.Option("--rate", envvar="HEADRACE_REPAIR_RATE", min=0.01, max=1_000, help="So many a second at most."),
    ] = 20,
    by: Annotated[
        str | None,
        typer.Option("--by", envvar="HEADRACE_REPAIR_BY", help="Who does it, for the journal; else your user's name."),
    ] = None,
    note: Annotated[str, typer.Option("--note", envvar="HEADRACE_REPAIR_NOTE", help="Why, for the journal.")] = "",
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """List what is late or failed with its provider, and run, skip or end it at a pace of your choice.

    A plan may be saved, edited (`do`: run, skip, exit or leave) and applied later; applied again, it goes on where it
    was broken off. What went on by itself in the meantime is left alone.
    """
    from headrace.repair_plan import make_plan, read_plan

    _check(plan_file, plan=plan, apply=apply, out=out, selects=bool(workflow or step or kind or how))
    api = ApiClient(url)
    made = read_plan(plan_file) if plan_file is not None else make_plan(_late(api, workflow, step, kind, late), how)
    if not apply:
        _show_plan(made, out, as_json=as_json)
        return
    outcomes = _apply(api, made, by=by or _user(), note=note, rate=rate)
    _show_outcomes(made, outcomes, as_json=as_json)


def _check(plan_file: Path | None, *, plan: bool, apply: bool, out: Path | None, selects: bool) -> None:
    problem = None
    if plan and apply:
        problem = "expected --plan or --apply, found both"
    elif plan_file is not None and not apply:
        problem = f"expected --apply with a plan's file; to save a plan in {plan_file}, write -o {plan_file}"
    elif plan_file is not None and selects:
        problem = "expected a plan's file, or --workflow, --step, --kind and --as to select by; found both"
    elif apply and out is not None:
        problem = "expected -o only with --plan: what is applied at once is not saved"
    if problem:
        raise UsageError(problem)


def _late(
    api: ApiClient, workflow: str | None, step: str | None, kind: Kind | None, late: float
) -> Iterator[dict[str, Any]]:
    workflow_id = find_workflow(api, workflow)["id"] if workflow else None
    query = {"workflow_id": workflow_id, "step_id": step, "late_seconds": f"{late:g}", "limit": 500}
    return (one for one in api.pages("/late", query) if kind in (None, one["kind"]))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "operator"


# ---------------------------------------------------------------- the plan


def _show_plan(plan: "Plan", out: Path | None, *, as_json: bool) -> None:
    import msgspec

    from headrace.repair_plan import write_plan

    if out is not None:
        write_plan(plan, out)
    if as_json:
        print_json(msgspec.to_builtins(plan))
        return
    print_table(
        ("workflow", "step", "type", "how", "count", "late by", "do", "says"),
        [(g.workflow, g.step_id, g.step_type, g.kind, len(g.items), g.late, g.do, g.because) for g in plan.groups],
        empty="nothing is late, and nothing failed that another attempt may mend",
    )
    if left := plan.left_alone:
        say(f"{left} would be left alone, as nobody says what becomes of them: say it by --as, or by `do` in the plan")
    if any(group.kind == "paused" and group.do == "run" for group in plan.groups):
        say("what is paused runs only when it is resumed: `headrace resume WORKFLOW`")
    if out is not None:
        say(f"the plan is in {out}; do it by `headrace repair --apply {out}`")


# ---------------------------------------------------------------- applying it


def _apply(api: ApiClient, plan: "Plan", *, by: str, note: str, rate: float) -> list["Outcome"]:
    from headrace.repairing import apply_plan

    outcomes: list[Outcome] = []
    total = sum(1 for _ in plan.settled)
    try:
        with _progress(total) as advance:
            for outcome in apply_plan(api, plan, by=by, note=note, rate=rate):
                outcomes.append(outcome)
                advance()
    except (Exception, KeyboardInterrupt):
        say(f"broken off after {len(outcomes)} of {total}: apply it again, and it goes on from there")
        raise
    return outcomes


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar with the rate and the time left, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("repair"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("repair", total=total)
        yield lambda: bar.advance(task)


def _show_outcomes(plan: "Plan", outcomes: list["Outcome"], *, as_json: bool) -> None:
    import msgspec

    from headrace.repairing import HARMLESS

    if as_json:
        results = Counter(outcome.result for outcome in outcomes)
        items = [msgspec.to_builtins(one) for one in outcomes]
        print_json({"plan": plan.id, "results": results, "left": plan.left_alone, "items": items})
    else:
        counted = Counter((one.workflow, one.step_id, one.do, one.result) for one in outcomes)
        print_table(
            ("workflow", "step", "do", "result", "count"),
            [(*key, count) for key, count in sorted(counted.items())],
            empty="nothing was to be done",
        )
        _tell_refusals(one for one in outcomes if one.result not in HARMLESS)
        if plan.left_alone:
            print_text(f"{plan.left_alone} were left alone, as nobody says what becomes of them")
    if any(one.result not in HARMLESS for one in outcomes):
        raise typer.Exit(FAILED)


def _tell_refusals(refused: Iterable["Outcome"]) -> None:
    for number, one in enumerate(refused):
        if number == _SHOWN:
            say("... and more; --json tells all")
            return
        say(f"{one.contact_id} at {one.step_id} ({one.result}): {one.detail}")
