"""Fixtures of the command line's tests: run one command, and a Headrace that speaks the API's contract."""

import os
from typing import Any, NamedTuple

import msgspec
import pytest

from headrace.cli import run

WORKFLOW_ID = "0190a2b4-0000-8000-8000-000000000001"
OTHER_ID = "0190a2b4-0000-8000-8000-000000000002"
ENROLLMENT_ID = "0190a2b4-0000-8000-8000-0000000000e1"
AT = "2026-03-01T09:00:00Z"


class Result(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return msgspec.json.decode(self.out)


@pytest.fixture
def command(capfd, monkeypatch, tmp_path):
    """Runs a command line in an empty directory, with only the HEADRACE_* variables that it is given."""
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: object, **environment: str) -> Result:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run([str(argument) for argument in arguments])
        return Result(code, *capfd.readouterr())

    return run_command


@pytest.fixture
def headrace(command):
    """A running Headrace whose answers the test sets."""
    from tests.unit.cli.contract_server import ContractServer

    with ContractServer() as server:
        yield server


@pytest.fixture
def call(command, headrace):
    """Runs a command against that Headrace."""
    return lambda *arguments, **environment: command(*arguments, **{"HEADRACE_URL": headrace.url, **environment})


def workflow(**changes: Any) -> dict[str, Any]:
    """A workflow as the API shows it."""
    return {
        "id": WORKFLOW_ID,
        "name": "Welcome",
        "status": "active",
        "version": 2,
        "published_version": 1,
        "diagnostics": [],
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def page(*items: dict[str, Any], next_cursor: str | None = None) -> dict[str, Any]:
    """A page of a list."""
    return {"items": list(items), "next_cursor": next_cursor}


def diagnostic(**changes: Any) -> dict[str, Any]:
    """A finding about a definition as the API shows it."""
    return {
        "code": "dangling_next",
        "severity": "error",
        "path": "steps[1].next",
        "line": 12,
        "column": 5,
        "message": "leads nowhere",
        "hint": "add it",
        **changes,
    }
