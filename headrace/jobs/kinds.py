"""The kinds of jobs: adding one is a module with `Request` and `run`, and a line here."""

import importlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from domain.errors import HeadraceError
from headrace.jobs.context import JobContext
from headrace.jobs.message import Report


class JobKind(NamedTuple):
    """Where a kind's code is, and whether it asks for the read side's database."""

    module: str
    needs_database: bool = True


KINDS: Final[dict[str, JobKind]] = {
    "audit": JobKind("headrace.jobs.audit"),
    "backtest": JobKind("headrace.jobs.backtest", needs_database=False),
    "verify": JobKind("headrace.jobs.verify"),
    "rebuild": JobKind("headrace.jobs.rebuild"),
}


class UnknownJob(HeadraceError):
    """There is no job of this kind."""


def kind_of(name: str) -> JobKind:
    """The kind of this name.

    Raises:
        UnknownJob: there is none.
    """
    found = KINDS.get(name)
    if found is None:
        message = f"expected one of the jobs {', '.join(sorted(KINDS))}, found {name!r}"
        raise UnknownJob(message)
    return found


def load(name: str) -> tuple[type[Any], Callable[[Any, JobContext], Awaitable[Report]]]:
    """The kind's request type, and the function that does it. Raises like `kind_of`."""
    module = importlib.import_module(kind_of(name).module)
    return module.Request, module.run
