"""The commands of `headrace`, in the order in which its help lists them."""

from typing import Annotated

import typer

from headrace.cli.api import api
from headrace.cli.audit import audit
from headrace.cli.backtest import backtest, diff
from headrace.cli.dead_letters import dead_letters
from headrace.cli.dev import dev
from headrace.cli.doctor import doctor
from headrace.cli.exits import EPILOG
from headrace.cli.export import export
from headrace.cli.import_files import import_files
from headrace.cli.incidents import incidents
from headrace.cli.journal import journal
from headrace.cli.ledger import ledger
from headrace.cli.lifecycle import pause, resume
from headrace.cli.projector import projector
from headrace.cli.providers import providers
from headrace.cli.publish import publish
from headrace.cli.rebuild import rebuild
from headrace.cli.record import record
from headrace.cli.repair import repair
from headrace.cli.schema import schema
from headrace.cli.simulate import simulate
from headrace.cli.stuck import stuck
from headrace.cli.test import run_tests
from headrace.cli.topics import topics
from headrace.cli.validate import validate
from headrace.cli.verify import verify
from headrace.cli.why import why
from headrace.cli.worker import worker
from headrace.cli.workflows import workflows


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            typer.echo(f"headrace {metadata.version('headrace')}")
        except metadata.PackageNotFoundError:
            typer.echo("headrace, run from a source tree that is not installed")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Headrace: an event-sourced workflow engine for CRM automation."""


# Plain help texts: they are greppable, and rich would cost a third of the time until they show.
app = typer.Typer(
    callback=_root,
    epilog=EPILOG,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.command("dev")(dev)
app.command("worker")(worker)
app.command("projector")(projector)
app.command("api")(api)
app.command("validate")(validate)
app.command("schema")(schema)
app.command("import")(import_files)
app.command("export")(export)
app.command("publish")(publish)
app.command("test")(run_tests)
app.command("record")(record)
app.command("simulate")(simulate)
app.command("backtest")(backtest)
app.command("diff")(diff)
app.command("pause")(pause)
app.command("resume")(resume)
app.command("workflows")(workflows)
app.command("why")(why)
app.add_typer(incidents, name="incidents")
app.command("ledger")(ledger)
app.command("audit")(audit)
app.command("stuck")(stuck)
app.command("repair")(repair)
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(journal, name="journal")
app.command("rebuild")(rebuild)
app.add_typer(topics, name="topics")
app.command("verify")(verify)
app.command("doctor")(doctor)
app.command("providers")(providers)
