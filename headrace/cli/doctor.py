"""`headrace doctor`: whether Headrace can run here, and what to mend if not."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from headrace.cli.exits import FAILED
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import print_json, print_table, print_text

if TYPE_CHECKING:
    from headrace.cli.checks.finding import Finding


def doctor(context: typer.Context, *, url: Url = URL, as_json: Json = False) -> None:
    """Check this installation: packages, settings, data directory, ports, database, clock, and Headrace itself."""
    expected = str(context.get_parameter_source("url")).rpartition(".")[2] != "DEFAULT"
    findings = list(_findings(url, context.find_root().command, expected=expected))
    failed = any(finding.status == "failed" for finding in findings)
    if as_json:
        print_json({"ok": not failed, "checks": [finding._asdict() for finding in findings]})
    else:
        print_table(("check", "status", "found", "mend"), findings, empty="")
        print_text("something is wrong: mend what failed" if failed else "all is well")
    if failed:
        raise typer.Exit(FAILED)


def _findings(url: str, root: Any, *, expected: bool) -> Iterator["Finding"]:
    from headrace.cli.checks import clock, configuration, data_directory, database, installation, network
    from headrace.cli.checks.finding import Finding
    from headrace.cli.variables import command_line_variables
    from headrace.errors import SettingsError
    from headrace.settings import load_settings

    yield installation.check_python()
    yield installation.check_packages()
    yield clock.check_clock()
    yield configuration.check_unknown_variables(os.environ, command_line_variables(root))
    api = network.check_api(url, expected=expected)
    yield api
    running = api.status in ("ok", "warning")
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("settings", "failed", str(error), "mend these variables")
        return
    yield Finding("settings", "ok", "every setting can be used")
    yield configuration.check_secrets(settings)
    yield configuration.check_log(settings)
    yield from configuration.check_providers(settings)
    yield from data_directory.check_data_directory(settings.data_dir, running=running)
    yield from network.check_ports(settings, running=running)
    yield from database.check_database(settings)
