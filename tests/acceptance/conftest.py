"""Two instances of `headrace dev` for each test process: one in real time, one in which a day takes a second."""

from collections.abc import Iterator

import pytest

from tests.support.dev_process import DevProcess
from tests.support.headrace import SECRETS, Headrace

DAY_PER_SECOND = "86400"


@pytest.fixture(scope="session")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """A fresh `headrace dev`; tests share it and keep to workflows and contacts of their own."""
    process = DevProcess(tmp_path_factory.mktemp("dev") / "data", "--no-sample", "--log-level", "warning")
    try:
        yield Headrace(process.start())
    finally:
        process.end()


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """The same with `--time-scale 86400`."""
    options = ("--no-sample", "--log-level", "warning", "--time-scale", DAY_PER_SECOND)
    process = DevProcess(tmp_path_factory.mktemp("hasty") / "data", *options)
    try:
        yield Headrace(process.start())
    finally:
        process.end()


@pytest.fixture(scope="session")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """One whose `http_request` may reach this machine: `HEADRACE_HTTP_ALLOW`. It has secrets."""
    options = ("--no-sample", "--log-level", "warning")
    environment = {"HEADRACE_HTTP_ALLOW": "127.0.0.1"} | SECRETS
    process = DevProcess(tmp_path_factory.mktemp("allowing") / "data", *options, environment=environment)
    try:
        yield Headrace(process.start())
    finally:
        process.end()
