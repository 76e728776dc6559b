"""`headrace topics`: the topics on a Kafka cluster."""

import typer

from headrace.cli.exits import FAILED
from headrace.cli.options import Json
from headrace.cli.output import print_json, print_table

topics = typer.Typer(
    help="Make and check the topics on the Kafka cluster that HEADRACE_KAFKA names.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@topics.command("create")
def create(*, as_json: Json = False) -> None:
    """Make the topics that are missing, then check all of them. What exists is never changed."""
    _report(make=True, as_json=as_json)


@topics.command("check")
def check(*, as_json: Json = False) -> None:
    """Check that all topics are there, and as they must be."""
    _report(make=False, as_json=as_json)


def _report(*, make: bool, as_json: bool) -> None:
    import asyncio

    from headrace.kafka_topics import look_at_topics
    from headrace.settings import load_settings

    findings = asyncio.run(look_at_topics(load_settings(), make=make))
    good = not any(finding.is_bad for finding in findings)
    if as_json:
        import msgspec

        print_json({"ok": good, "topics": [msgspec.to_builtins(finding) for finding in findings]})
    else:
        rows = [(finding.topic, finding.status, finding.found, finding.mend) for finding in findings]
        print_table(("topic", "status", "found", "mend"), rows, empty="")
    if not good:
        raise typer.Exit(FAILED)
