"""Two instances of `headrace dev` for each test process: one in real time, one in which a day takes a second."""

from collections.abc import Iterator

import pytest

from tests.support.dev_process import DevProcess
from tests.support.headrace import SECRETS, Headrace

DAY_PER_SECOND = "86400"
QUICK = {"HEADRACE_ASK_AFTER": "0.1,0.2"}
"""Providers are asked soon what became of an unknown attempt."""


@pytest.fixture(scope="session")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """A fresh `headrace dev`; tests share it and keep to workflows and contacts of their own."""
    process = DevProcess(
        tmp_path_factory.mktemp("dev") / "data", "--no-sample", "--log-level", "warning", environment=QUICK
    )
    yield from _proved(process)


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """The same with `--time-scale 86400`."""
    options = ("--no-sample", "--log-level", "warning", "--time-scale", DAY_PER_SECOND)
    process = DevProcess(tmp_path_factory.mktemp("hasty") / "data", *options, environment=QUICK)
    yield from _proved(process)


@pytest.fixture(scope="session")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """One whose `http_request` may reach this machine: `HEADRACE_HTTP_ALLOW`. It has secrets."""
    options = ("--no-sample", "--log-level", "warning")
    environment = {"HEADRACE_HTTP_ALLOW": "127.0.0.1"} | QUICK | SECRETS
    process = DevProcess(tmp_path_factory.mktemp("allowing") / "data", *options, environment=environment)
    try:
        yield Headrace(process.start())
    finally:
        process.end()


def _proved(process: DevProcess) -> Iterator[Headrace]:
    """The instance for the tests; when they are through, all that they made there is as the journal says."""
    try:
        headrace = Headrace(process.start())
        yield headrace
        report = headrace.call(
            "POST", "/api/v1/jobs/verify", json={}, headers={"Accept": "application/json"}, expect=200
        )
        assert report["ok"], report["differences"]
        assert report["folded"] == report["events"] > 0
    finally:
        process.end()
