"""The tour does what it says: its commands are taken from the page and run, and what it shows is what they print."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from headrace.cli.app import app
from tests.support.dev_process import DevProcess, eventually

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tour.md").read_text()
KNOWN = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
FEWER = ("--contacts 2000", "--contacts 200")
"""One contact's life does not depend on how many others there are."""


class Step(NamedTuple):
    """A command of the page, how it ends, and the lines that it shows (`...` stands for anything)."""

    command: str
    exits_with: int
    shows: list[str]

    @property
    def subcommand(self) -> str | None:
        words = self.command.split()
        return words[1] if words[0] == "headrace" else None


def steps() -> list[Step]:
    found: list[Step] = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                command, _, code = line[2:].partition("  # exits with ")
                found.append(Step(command, int(code or 0), []))
            else:
                found[-1].shows.append(line)
    return found


SIMULATE, DEV, *STEPS = steps()


def test_the_tour_begins_with_a_history_and_a_server():
    assert (SIMULATE.subcommand, DEV.command) == ("simulate", "headrace dev --data-dir tour")
    assert {step.subcommand for step in STEPS} >= {
        "why",
        "record",
        "test",
        "backtest",
        "diff",
        "verify",
        "rebuild",
        "journal",
    }


def test_what_is_not_printed_is_missed():
    assert is_shown("  1. a ... c", "x\n 1.  a b c\n")
    assert not is_shown("1 test passed", "11 test passed\n1 test passed, or not\n")
    assert not is_shown("a ... c", "a\nc")


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


@pytest.mark.timeout(300)
def test_every_command_does_what_the_page_shows(directory):
    run_all(directory, [SIMULATE._replace(command=SIMULATE.command.replace(*FEWER))], url="")
    dev = DevProcess(directory / "tour").start()
    try:
        eventually(lambda: dev.call("GET", "/readyz", expect=(200, 503)).get("lag") == 0, "the read side to catch up")
        run_all(directory, [step for step in STEPS if step.subcommand is None or step.subcommand in KNOWN], url=dev.url)
    finally:
        dev.end()


def run_all(directory: Path, wanted: list[Step], *, url: str) -> None:
    """Run the steps in one shell, as a reader does, and compare each with what the page says."""
    commands = [step.command.replace("http://127.0.0.1:8080", url) for step in wanted]
    lines = [f"{{ {command}\n}} > out.{number} 2>&1; echo $? >> codes" for number, command in enumerate(commands)]
    (directory / "codes").unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment |= {"PATH": path, **({"HEADRACE_URL": url} if url else {})}
    subprocess.run(["bash", "-c", "\n".join(lines)], cwd=directory, env=environment, check=True, timeout=250)
    codes = [int(line) for line in (directory / "codes").read_text().split()]
    for number, step in enumerate(wanted):
        out = (directory / f"out.{number}").read_text()
        assert codes[number] == step.exits_with, f"$ {step.command}\n{out}"
        missing = [line for line in step.shows if line.strip() != "..." and not is_shown(line, out)]
        assert missing == [], f"$ {step.command}\n{out}"


def is_shown(line: str, out: str) -> bool:
    words = " ".join(line.split())
    pattern = re.compile(".*".join(re.escape(part) for part in words.split("...")))
    return any(pattern.fullmatch(" ".join(printed.split())) for printed in out.splitlines())
