"""The catalogue as it was at any offset of the definitions, folded forward on demand; each version is compiled once."""

from collections.abc import Mapping
from typing import Any

from domain.catalogue import Catalogue, Compile, evolve_catalogue
from domain.definition import AnyDefinitionEvent, TemplateText, VersionPublished
from domain.workflow import Workflow
from schemas.definition_event import decode_definition_event
from schemas.event_log import LogReader
from schemas.topics import DEFINITIONS

_READ_LIMIT = 1_000

Definitions = list[tuple[int, AnyDefinitionEvent]]
"""Every definition event, with its offset."""


async def read_definitions(log: LogReader) -> Definitions:
    """All definition events that there are now."""
    found: Definitions = []
    position, end = 0, await log.end_offset(DEFINITIONS, 0)
    while position < end:
        chunk = await log.read(DEFINITIONS, 0, position, limit=_READ_LIMIT)
        found += [(record.offset, decode_definition_event(record.value or b"")) for record in chunk]
        position = max(chunk.next, position + 1)
    return found


class Catalogues:
    """Gives the catalogue with all definitions below an offset in force; offsets only go up, `rewind` begins anew."""

    def __init__(self, definitions: Definitions, compile_: Compile) -> None:
        self._definitions, self._compile_ = definitions, compile_
        self._compiled: dict[Any, Workflow] = {}
        self.rewind()

    def rewind(self) -> None:
        """Begin before the first definition."""
        self._next, self._catalogue = 0, Catalogue()

    def below(self, offset: int) -> Catalogue:
        """The catalogue with all definitions below `offset` in force."""
        while self._next < len(self._definitions) and self._definitions[self._next][0] < offset:
            event = self._definitions[self._next][1]
            self._catalogue = evolve_catalogue(self._catalogue, event, self._compile)
            self._next += 1
        return self._catalogue

    def _compile(
        self,
        document: dict[str, Any],
        workflow_id: str,
        version: int,
        templates: Mapping[str, TemplateText],
        accept: tuple[str, ...],
    ) -> Workflow:
        key = (workflow_id, version, frozenset(templates.values()), accept)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile_(document, workflow_id, version, templates, accept)
        return found


def pinned_templates(
    definitions: Definitions, workflow_id: str, version: int
) -> tuple[dict[str, TemplateText], tuple[str, ...]] | None:
    """The templates and accepted diagnostics with which a version was last published; None if it never was."""
    published = [
        event
        for _, event in definitions
        if isinstance(event, VersionPublished) and (event.workflow_id, event.version) == (workflow_id, version)
    ]
    return (published[-1].templates, published[-1].accept) if published else None
