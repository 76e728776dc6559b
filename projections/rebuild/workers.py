"""The workers of a rebuild: processes that each load one partition after the other."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from projections.checkpoints import Source
from projections.rebuild.loader import Loader
from projections.rebuild.plan import plan_of
from schemas.event_log import OpenLog


class Assignment(msgspec.Struct, frozen=True):
    """What all workers of a rebuild are told. It is pickled."""

    open_log: OpenLog
    database_url: str
    schema: str
    projections: tuple[str, ...]
    batch_size: int


class _Worker:
    """This process's log and database, open from the first partition to the last."""

    def __init__(self, assignment: Assignment) -> None:
        self._runner = asyncio.Runner()
        self._open = assignment.open_log()
        log = self._runner.run(self._open.__aenter__())
        plan = plan_of(assignment.projections)
        self._loader = Loader(log, assignment.database_url, assignment.schema, plan, batch_size=assignment.batch_size)

    def load(self, sources: Sequence[Source], bounds: Mapping[Source, int]) -> None:
        self._runner.run(self._loader.load(sources, bounds))


_workers: Final[dict[Assignment, _Worker]] = {}


def load_sources(assignment: Assignment, sources: Sequence[Source], bounds: Mapping[Source, int]) -> None:
    """Load these sources up to their bounds; a worker's task."""
    if assignment not in _workers:
        _workers[assignment] = _Worker(assignment)  # it ends with its process: it only reads, or commits
    _workers[assignment].load(sources, bounds)
