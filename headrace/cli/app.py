"""The commands of `headrace`, in the groups and the order in which its help lists them."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from headrace.cli.api import api
from headrace.cli.audit import audit
from headrace.cli.backtest import backtest, diff
from headrace.cli.consent import consent
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


_GROUPS: Final[dict[str, dict[str, Callable[..., Any] | typer.Typer]]] = {
    "Run Headrace": {
        "dev": dev,
        "worker": worker,
        "projector": projector,
        "api": api,
        "topics": topics,
        "providers": providers,
        "doctor": doctor,
    },
    "Workflows": {
        "validate": validate,
        "schema": schema,
        "import": import_files,
        "publish": publish,
        "workflows": workflows,
        "export": export,
        "pause": pause,
        "resume": resume,
    },
    "What would happen": {
        "test": run_tests,
        "record": record,
        "simulate": simulate,
        "backtest": backtest,
        "diff": diff,
    },
    "What happened, and what needs a person": {
        "why": why,
        "ledger": ledger,
        "audit": audit,
        "consent": consent,
        "incidents": incidents,
        "stuck": stuck,
        "repair": repair,
        "dead-letters": dead_letters,
    },
    "The journal, and what is made of it": {
        "journal": journal,
        "verify": verify,
        "rebuild": rebuild,
    },
}


_SENTENCE: Final = 200


class _Grouped(TyperGroup):
    """Its help lists the commands by group, each with its whole first sentence."""

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        for title, names in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(_SENTENCE)) for name in names])


# Plain help texts: they are greppable, and rich would cost a third of the time until they show.
app = typer.Typer(
    cls=_Grouped,
    callback=_root,
    epilog=EPILOG,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
for _group in _GROUPS.values():
    for _name, _command in _group.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name)
        else:
            app.command(_name)(_command)
