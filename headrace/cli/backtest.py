"""`headrace backtest` and `headrace diff`: what a version would have done with the facts of the log."""

from typing import Annotated, Any, Literal

import typer

from headrace.api_client import ApiProblem
from headrace.cli.diagnostics import print_remote_diagnostics
from headrace.cli.exits import FAILED
from headrace.cli.jobs import Here, Workers, run_job
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import note, print_json
from headrace.cli.times import SINCE, UNTIL, parse_since, parse_time
from headrace.cli.version_refs import Ref, file_ref, version_ref

Since = Annotated[
    str,
    typer.Option(
        "--since",
        envvar="HEADRACE_BACKTEST_SINCE",
        metavar="TIME",
        parser=parse_since,
        help=f"From when on contacts are enrolled: {SINCE}",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        envvar="HEADRACE_BACKTEST_UNTIL",
        metavar="TIME",
        parser=parse_time,
        help=f"Up to when: {UNTIL}  [default: now]",
    ),
]
Workflow = Annotated[
    str | None,
    typer.Option(
        "--workflow",
        envvar="HEADRACE_BACKTEST_WORKFLOW",
        metavar="WORKFLOW",
        help="Whose place the version takes, by id or name; else the live one of the file's name, else nobody's.",
    ),
]
Outcomes = Annotated[
    Literal["succeed", "fail"],
    typer.Option(
        "--outcomes",
        envvar="HEADRACE_BACKTEST_OUTCOMES",
        help="What providers are taken to do with an action that never really happened.",
    ),
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples",
        envvar="HEADRACE_BACKTEST_SAMPLES",
        min=0,
        max=1000,
        help="Contacts of each kind of change that are shown with both paths.",
    ),
]
SmsCost = Annotated[
    float,
    typer.Option("--sms-cost", envvar="HEADRACE_SMS_COST", min=0, help="Price of one part of a text message."),
]
EmailCost = Annotated[
    float, typer.Option("--email-cost", envvar="HEADRACE_EMAIL_COST", min=0, help="Price of an e-mail.")
]
HttpCost = Annotated[
    float, typer.Option("--http-cost", envvar="HEADRACE_HTTP_COST", min=0, help="Price of a call to a web service.")
]


def _limit(text: str) -> str:
    from domain.backtest.measures import read_limit
    from domain.errors import HeadraceError

    try:
        read_limit(text)
    except HeadraceError as error:
        raise typer.BadParameter(str(error)) from error
    return text


FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        envvar="HEADRACE_BACKTEST_FAIL_IF",
        metavar="LIMIT",
        parser=_limit,
        help="Exit with 1 if this holds, as messages>+5%, cost>120, enrolled<-10, changed>2%. Can be repeated.",
    ),
]


def backtest(
    file: Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON file; - reads standard input.")],
    *,
    since: Since = "30d",
    until: Until = None,
    workflow: Workflow = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            envvar="HEADRACE_BACKTEST_COMPARE",
            metavar="OLD",
            help="Compare with this: published, a version's number, another file, or actual (what really happened).",
        ),
    ] = None,
    outcomes: Outcomes = "succeed",
    samples: Samples = 5,
    sms_cost: SmsCost = 0.0,
    email_cost: EmailCost = 0.0,
    http_cost: HttpCost = 0.0,
    fail_if: FailIf = None,
    workers: Workers = None,
    here: Here = False,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show what a workflow would have done with the contact events of the last weeks. Nothing is written or sent.

    Whom it would have enrolled, what each step would have done, what would have been sent on which day and at what
    cost; with --compare, who would be treated differently. docs/replay/backtest.md says how exact that is.
    """
    new = file_ref(file)
    old = None if compare is None else version_ref(compare)
    _run(
        new,
        old,
        {"workflow": workflow, "since": since, "until": until, "outcomes": outcomes, "samples": samples},
        prices={"sms": sms_cost, "email": email_cost, "http": http_cost},
        fail_if=fail_if,
        workers=workers,
        here=here,
        url=url,
        as_json=as_json,
    )


def diff(
    old: Annotated[
        str,
        typer.Argument(metavar="OLD", help="A file, WORKFLOW@VERSION, WORKFLOW (its published version), or actual."),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    *,
    since: Since = "30d",
    until: Until = None,
    workflow: Workflow = None,
    outcomes: Outcomes = "succeed",
    samples: Samples = 5,
    sms_cost: SmsCost = 0.0,
    email_cost: EmailCost = 0.0,
    http_cost: HttpCost = 0.0,
    fail_if: FailIf = None,
    workers: Workers = None,
    here: Here = False,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show who would be treated differently by two versions of a workflow, by the contact events of the last weeks.

    Both are tested as by `headrace backtest`. OLD may be `actual`: what really happened.
    """
    _run(
        version_ref(new),
        version_ref(old),
        {"workflow": workflow, "since": since, "until": until, "outcomes": outcomes, "samples": samples},
        prices={"sms": sms_cost, "email": email_cost, "http": http_cost},
        fail_if=fail_if,
        workers=workers,
        here=here,
        url=url,
        as_json=as_json,
    )


def _run(
    new: Ref,
    old: Ref | None,
    body: dict[str, Any],
    *,
    prices: dict[str, float],
    fail_if: list[str] | None,
    workers: int | None,
    here: bool,
    url: str,
    as_json: bool,
) -> None:
    body |= {"new": new, "old": old, "prices": prices, "fail_if": fail_if or [], "workers": workers}
    try:
        found = run_job("backtest", body, url=url, here=here)
    except ApiProblem as problem:
        print_remote_diagnostics(problem.diagnostics)
        raise
    report = found.report
    print_remote_diagnostics(report["diagnostics"])
    if as_json:
        print_json(report)
    else:
        from headrace.cli.backtest_tables import print_report

        print_report(report, priced=any(prices.values()))
    for limit in report["limits"]:
        if limit["broken"]:
            note(f"headrace: {limit['limit']} holds: {limit['reason']}")
    if not found.ok:
        raise typer.Exit(FAILED)
