"""The definitions of any moment: each workflow's own events, folded as the engine folds them, and kept."""

import asyncio
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

import msgspec

from domain import definition as d
from domain.catalogue import Catalogue, evolve_catalogue
from domain.workflow import Workflow
from projections.past.scattered import RecordReader
from schemas.definition import compile_workflow
from schemas.definition_event import decode_definition_event
from schemas.topics import DEFINITIONS

_READ_LIMIT: Final = 1_000
_KEPT: Final = 256
"""Workflows whose compiled versions are kept: those that were asked about lately."""
_NONE: Final = Catalogue()


class WorkflowPast(msgspec.Struct, frozen=True):
    """One workflow's definitions through time: the catalogue (of this workflow alone) after each of its events."""

    offsets: list[int]
    """Of the events, in the topic of definitions."""
    times_ms: list[int]
    catalogues: list[Catalogue]

    @property
    def latest(self) -> Catalogue:
        """With all that was ever defined."""
        return self._after(len(self.catalogues))

    def below(self, offset: int) -> Catalogue:
        """With all definitions below this offset in force."""
        return self._after(bisect_left(self.offsets, offset))

    def at(self, at_ms: int) -> Catalogue:
        """With all that was defined up to this moment."""
        return self._after(bisect_right(self.times_ms, at_ms))

    def _after(self, count: int) -> Catalogue:
        return self.catalogues[count - 1] if count else _NONE


class DefinitionHistory:
    """Reads the definitions topic as far as it is asked to, once."""

    def __init__(self, log: RecordReader) -> None:
        self._log = log
        self._position = 0
        self._events: dict[str, list[tuple[int, d.AnyDefinitionEvent]]] = {}
        self._folded: OrderedDict[str, WorkflowPast] = OrderedDict()
        self._reading = asyncio.Lock()

    async def of(self, workflow_id: str) -> WorkflowPast:
        """A workflow's definitions up to now."""
        await self._read_on()
        events = self._events.get(workflow_id, [])
        known = self._folded.get(workflow_id)
        if known is None or len(known.offsets) < len(events):
            known = self._folded[workflow_id] = _fold(events, known)
        self._folded.move_to_end(workflow_id)
        while len(self._folded) > _KEPT:
            self._folded.popitem(last=False)
        return known

    async def _read_on(self) -> None:
        async with self._reading:
            while True:
                chunk = await self._log.read(DEFINITIONS, 0, self._position, limit=_READ_LIMIT)
                for record in chunk:
                    event = decode_definition_event(record.value or b"")
                    if not isinstance(event, d.TemplateDefined | d.DefinitionCommandResulted):
                        self._events.setdefault(event.workflow_id, []).append((record.offset, event))
                if chunk.next <= self._position:
                    return
                self._position = chunk.next


def _fold(events: list[tuple[int, d.AnyDefinitionEvent]], known: WorkflowPast | None) -> WorkflowPast:
    """The events that are not folded yet, upon those that are."""
    catalogues = list(known.catalogues) if known else []
    catalogue = catalogues[-1] if catalogues else _NONE
    for _, event in events[len(catalogues) :]:
        catalogue = evolve_catalogue(catalogue, event, _compile)
        catalogues.append(catalogue)
    times_ms = list(accumulate((event.at_ms for _, event in events), max))  # a clock may have gone back
    return WorkflowPast([offset for offset, _ in events], times_ms, catalogues)


def _compile(
    document: dict[str, Any],
    workflow_id: str,
    version: int,
    templates: Mapping[str, d.TemplateText],
    accept: tuple[str, ...],
) -> Workflow:
    return compile_workflow(document, workflow_id=workflow_id, version=version, templates=templates, accept=accept)
