"""`headrace topics`: the topics on a Kafka cluster."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from headrace.cli.exits import FAILED
from headrace.cli.options import Json
from headrace.cli.output import print_json, print_table

if TYPE_CHECKING:
    from streams.kafka.topics import Finding

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

    findings = asyncio.run(_look(make=make))
    good = not any(finding.is_bad for finding in findings)
    if as_json:
        import msgspec

        print_json({"ok": good, "topics": [msgspec.to_builtins(finding) for finding in findings]})
    else:
        rows = [(finding.topic, finding.status, finding.found, finding.mend) for finding in findings]
        print_table(("topic", "status", "found", "mend"), rows, empty="")
    if not good:
        raise typer.Exit(FAILED)


async def _look(*, make: bool) -> "Sequence[Finding]":
    from headrace.kafka_settings import kafka_settings
    from headrace.settings import load_settings
    from schemas.topics import Topics
    from streams.kafka.admin import KafkaAdmin
    from streams.kafka.topics import check_topics, create_topics, topic_specs

    options = load_settings()
    settings = kafka_settings(options)
    admin = KafkaAdmin(settings)
    await admin.cluster_id()
    specs = topic_specs(settings, Topics(contact_events=options.contact_events_topic))
    return await (create_topics if make else check_topics)(admin, settings, specs)
