"""What all commands have in common: exit codes, help, variables, where they print."""

import re
import subprocess
import sys

import pytest
import typer

from headrace.cli.app import app
from headrace.cli.variables import command_line_variables, every_option, option_variables

ROOT = typer.main.get_command(app)
COMMANDS = list(ROOT.commands)
OPTIONS = [
    (path, name, option)
    for path, name, option in every_option(ROOT)
    if name not in {"--help", "--version"} or path != "headrace"
]


def test_without_arguments_the_commands_are_listed(command):
    result = command()

    assert all(f"\n  {name} " in result.out + result.err for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command, name):
    result = command(name, "--help")

    assert result.code == 0
    assert result.out.startswith(f"Usage: headrace {name}")


def test_the_help_documents_the_exit_codes(command):
    result = command("--help")

    for code, meaning in enumerate(("done", "the thing that was asked for failed", "called wrongly", "not be reached")):
        assert any(line.split()[:1] == [str(code)] and meaning in line for line in result.out.splitlines())


@pytest.mark.parametrize(("path", "name", "option"), OPTIONS, ids=[f"{path} {name}" for path, name, _ in OPTIONS])
def test_every_option_has_a_variable_that_its_help_names(command, path, name, option):
    (variable,) = option_variables(option)
    shown = command(*path.split()[1:], "--help").out

    assert variable.startswith("HEADRACE_")
    assert re.search(rf"\[env var: {variable}[];]", " ".join(shown.split()))


def test_a_variable_means_the_same_wherever_it_is_read():
    names: dict[str, set[str]] = {}
    for _, name, option in OPTIONS:
        for variable in option_variables(option):
            names.setdefault(variable, set()).add(name)
    several = {variable: options for variable, options in names.items() if len(options) > 1}

    # The sandbox's port is the only port that `providers` has.
    assert several == {"HEADRACE_PROVIDERS_PORT": {"--port", "--providers-port"}}


def test_options_of_the_same_name_are_written_the_same_everywhere():
    by_name: dict[str, list[typer.core.TyperOption]] = {}
    for _, name, option in OPTIONS:
        by_name.setdefault(name, []).append(option)

    for name in ("--since", "--until", "--workflow", "--at"):
        assert len({option.metavar for option in by_name[name]}) == 1, name
    for name in ("--workers", "--here", "--url", "--limit"):
        assert len({(option.help, option_variables(option)) for option in by_name[name]}) == 1, name
    assert all("-o" in option.opts for option in by_name["--output"])


def test_the_variables_of_options_are_known_to_the_doctor():
    assert {"HEADRACE_URL", "HEADRACE_PORT", "HEADRACE_IMPORT_ID", "HEADRACE_DEBUG"} <= command_line_variables(ROOT)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["validate"],
        ["validate", "--nonsense", "x"],
        ["test", "Welcome"],
        ["publish", "Welcome", "--in-flight", "drop"],
        ["publish", "Welcome", "--version", "0"],
        ["export", "Welcome", "--format", "xml"],
        ["incidents", "nonsense"],
        ["dead-letters", "replay"],
        ["dead-letters", "replay", "0-1", "--reason", "not_json"],
        ["dead-letters", "replay", "0-1", "--value", "missing.json"],
        ["workflows", "--url", "ftp://x"],
        ["workflows", "--url", "127.0.0.1:8080"],
        ["validate", "missing.yaml"],
        ["validate", "-", "-"],
        ["rebuild", "--rollback", "timeline"],
        ["rebuild", "--rollback", "--no-swap"],
        ["rebuild", "--workers", "0"],
        ["verify", "--workers", "257"],
        ["backtest", "new.yaml", "--since", "soon"],
        ["backtest", "new.yaml", "--fail-if", "changed>"],
        ["diff", "published", "new.yaml", "--until", "30d"],
        ["audit", "--since", "30x"],
        ["journal", "inspect", "--since", "yesterday"],
        ["simulate", "new.yaml", "--until", "30d"],
        ["why", "ada", "Welcome", "--at", "now"],
        ["repair", "--late", "90"],
        ["rebuild", "--here"],
        ["dev", "--port", "abc"],
        ["providers", "--port", "65536"],
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why_on_standard_error(command, arguments):
    result = command(*arguments)

    assert result.code == 2
    assert result.out == ""
    assert result.err != ""
    assert "Traceback" not in result.err


REMOTE = [
    ["workflows"],
    ["export", "Welcome"],
    ["publish", "Welcome"],
    ["test", "Welcome", "--contact", "ada"],
    ["incidents"],
    ["incidents", "show", "x"],
    ["incidents", "retry", "x"],
    ["dead-letters"],
    ["dead-letters", "show", "x"],
    ["dead-letters", "replay", "0-1"],
    ["rebuild"],
]


@pytest.mark.parametrize("arguments", REMOTE, ids=" ".join)
def test_without_a_running_headrace_the_code_is_3(command, arguments):
    result = command(*arguments, HEADRACE_URL="http://127.0.0.1:9")

    assert result.code == 3
    assert result.out == ""
    assert "no answer from Headrace at http://127.0.0.1:9" in result.err
    assert "headrace dev" in result.err


def test_an_option_beats_its_variable(command):
    result = command("workflows", "--url", "http://127.0.0.1:9", HEADRACE_URL="http://127.0.0.1:10")

    assert "http://127.0.0.1:9 " in result.err


def test_debug_shows_the_traceback(command):
    with pytest.raises(Exception, match="no answer"):
        command("workflows", "--url", "http://127.0.0.1:9", HEADRACE_DEBUG="1")


def test_help_waits_for_no_heavy_package():
    code = "import sys; from headrace.cli import run; run(['--help']); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    heavy = {"aiohttp", "asyncio", "faust", "liquid", "msgspec", "psycopg", "pydantic", "rich", "structlog", "yaml"}
    assert heavy.isdisjoint(done.stderr.split())
    assert "typer" in done.stderr.split()


def test_the_module_is_the_script():
    done = subprocess.run([sys.executable, "-m", "headrace", "--version"], check=True, capture_output=True, text=True)

    assert done.stdout.startswith("headrace")
