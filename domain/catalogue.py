"""The catalogue: all definitions at an offset; how definition commands are decided and events folded."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import definition as d
from domain.errors import HeadraceError
from domain.triggers import TriggerIndex, index_triggers
from domain.workflow import Workflow

Compile = Callable[[dict[str, Any], str, int, Mapping[str, d.TemplateText], tuple[str, ...]], Workflow]
"""Makes a workflow of a document, its workflow id, version, pinned templates and accepted diagnostics."""

ACCEPTABLE: Final = {"dangling_next": frozenset({"dangling_next", "dangling_branch"})}
"""What `accept` may name when a version is published, and the diagnostics that it then takes in."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One kept version of a definition."""

    number: int
    document: dict[str, Any]
    digest: str
    diagnostics: tuple[d.Diagnostic, ...]
    compiled: Workflow | None = None
    """Set once it was published."""

    def refusals(self, accept: tuple[str, ...]) -> list[d.Diagnostic]:
        """The errors that keep this version from being published."""
        accepted: set[str] = set().union(*(ACCEPTABLE.get(name, frozenset()) for name in accept))
        return [found for found in self.diagnostics if found.severity == "error" and found.code not in accepted]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow with all its versions."""

    id: str
    name: str
    status: str = "draft"
    """`draft` (never published), `active`, `paused` or `archived`."""
    versions: dict[int, Version] = {}
    published: int | None = None
    paused_at_ms: int = 0
    resumed_at_ms: int = 0
    in_flight: dict[int, int | None] = {}
    """What becomes of open enrollments of these versions: they go on in another one, or (None) are cancelled."""

    @property
    def latest(self) -> int:
        """The number of the newest version."""
        return max(self.versions)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All workflows and templates."""

    entries: dict[str, Entry] = {}
    templates: dict[str, d.TemplateText] = {}

    @cached_property
    def triggers(self) -> TriggerIndex:
        """The triggers of the live versions (a paused workflow's too: what it would have enrolled is recorded)."""
        entries = [entry for entry in self.entries.values() if entry.status in ("active", "paused")]
        versions = [entry.versions[entry.published] for entry in entries if entry.published is not None]
        return index_triggers(version.compiled for version in versions if version.compiled is not None)

    def workflow(self, workflow_id: str, version: int) -> Workflow:
        """The compiled version that an enrollment runs.

        Raises:
            HeadraceError: it was never published, so nothing can be enrolled in it.
        """
        entry = self.entries.get(workflow_id)
        compiled = entry.versions[version].compiled if entry and version in entry.versions else None
        if compiled is None:
            message = f"expected version {version} of workflow {workflow_id} in the catalogue, found none published"
            raise HeadraceError(message)
        return compiled


def decide_definition(  # noqa: PLR0911 one return a command
    catalogue: Catalogue, command: d.AnyDefinitionCommand, now_ms: int, compile_: Compile
) -> list[d.AnyDefinitionEvent]:
    """What a definition command comes to; the last event is always its result."""
    answer = _Answer(command, now_ms)
    match command:
        case d.DefineTemplate():
            event = answer.event(d.TemplateDefined, template=command.template)
            return [event, answer.result()]
        case d.ImportDefinition():
            return _decide_import(catalogue, command, answer, compile_)
    entry = catalogue.entries.get(command.workflow_id)
    if entry is None:
        return [answer.refuse("not_found", f"there is no workflow {command.workflow_id}")]
    match command:
        case d.PublishVersion():
            number = entry.latest if command.version is None else command.version
            return _decide_publish(catalogue, entry, number, command.in_flight, command.accept, answer, compile_)
        case d.PauseWorkflow():
            return answer.switch(entry, {"active"}, d.WorkflowPaused)
        case d.ResumeWorkflow():
            return answer.switch(entry, {"paused"}, d.WorkflowResumed)
        case d.ArchiveWorkflow():
            return answer.switch(entry, {"draft", "active", "paused"}, d.WorkflowArchived)


def _decide_import(
    catalogue: Catalogue, command: d.ImportDefinition, answer: "_Answer", compile_: Compile
) -> list[d.AnyDefinitionEvent]:
    entry = catalogue.entries.get(command.workflow_id)
    if entry is None and not command.create:
        return [answer.refuse("not_found", f"there is no workflow {command.workflow_id}")]
    if entry is not None and entry.status == "archived":
        return [answer.refuse("conflict", "the workflow is archived; import the definition as a new workflow")]
    known = entry.versions.values() if entry else ()
    same = next((version.number for version in known if version.digest == command.digest), None)
    number = same or (entry.latest + 1 if entry else 1)
    events: list[d.AnyDefinitionEvent] = []
    if same is None:
        imported = answer.event(
            d.DefinitionImported,
            version=number,
            name=command.name,
            document=command.document,
            source=command.source,
            format=command.format,
            digest=command.digest,
            diagnostics=command.diagnostics,
        )
        events.append(imported)
        catalogue = evolve_catalogue(catalogue, imported, compile_)
    entry = catalogue.entries[command.workflow_id]
    if command.publish and not entry.versions[number].refusals(()) and entry.published != number:
        published = _decide_publish(catalogue, entry, number, "pin", (), answer, compile_)
        if published[-1].result == "rejected":  # type: ignore[union-attr]
            return [*events, published[-1]]
        events.append(published[0])
    return [*events, answer.result("accepted" if events else "duplicate", version=number)]


def _decide_publish(
    catalogue: Catalogue,
    entry: Entry,
    number: int,
    in_flight: str,
    accept: tuple[str, ...],
    answer: "_Answer",
    compile_: Compile,
) -> list[d.AnyDefinitionEvent]:
    version = entry.versions.get(number)
    if version is None:
        return [
            answer.refuse("not_found", f"workflow {entry.id} has no version {number}; its latest is {entry.latest}")
        ]
    if entry.status == "archived":
        return [answer.refuse("conflict", "the workflow is archived and can't be published again")]
    refusals = version.refusals(accept)
    if refusals:
        words = "; ".join(found.message for found in refusals)
        return [answer.refuse("has_errors", f"version {number} has errors: {words}", version=number)]
    try:
        compile_(version.document, entry.id, number, catalogue.templates, accept)
    except HeadraceError as error:
        return [answer.refuse("has_errors", f"version {number} can't be compiled: {error}", version=number)]
    event = answer.event(
        d.VersionPublished,
        version=number,
        in_flight=in_flight,
        accept=accept,
        templates=_referenced(version.document, catalogue.templates),
    )
    return [event, answer.result(version=number)]


def _referenced(document: dict[str, Any], templates: dict[str, d.TemplateText]) -> dict[str, d.TemplateText]:
    """The templates that the document's steps name, as they are now."""
    names = {(step.get("config") or {}).get("template") for step in document.get("steps", ())}
    return {name: template for name, template in templates.items() if name in names}


class _Answer:
    """Makes the events of one command, each with the command's id and time."""

    def __init__(self, command: d.DefinitionCommand, now_ms: int) -> None:
        self.command, self.now_ms = command, now_ms

    def event(self, kind: type[Any], **fields: Any) -> Any:
        command = self.command
        return kind(at_ms=self.now_ms, workflow_id=command.workflow_id, command_id=command.command_id, **fields)

    def result(self, result: str = "accepted", **fields: Any) -> d.DefinitionCommandResulted:
        tag = str(type(self.command).__struct_config__.tag)
        event: d.DefinitionCommandResulted = self.event(
            d.DefinitionCommandResulted, command_type=tag, result=result, **fields
        )
        return event

    def refuse(self, code: str, reason: str, **fields: Any) -> d.DefinitionCommandResulted:
        return self.result("rejected", code=code, reason=reason, **fields)

    def switch(self, entry: Entry, allowed: set[str], kind: type[Any]) -> list[d.AnyDefinitionEvent]:
        if entry.status not in allowed:
            wanted = " or ".join(sorted(allowed))
            return [self.refuse("conflict", f"the workflow is {entry.status}; this needs one that is {wanted}")]
        return [self.event(kind), self.result()]


def evolve_catalogue(catalogue: Catalogue, event: d.DefinitionEvent, compile_: Compile) -> Catalogue:
    """The catalogue after one definition event."""
    match event:
        case d.TemplateDefined():
            return replace(catalogue, templates=catalogue.templates | {event.template.name: event.template})
        case d.DefinitionCommandResulted():
            return catalogue
    entry = catalogue.entries.get(event.workflow_id)
    if isinstance(event, d.DefinitionImported):
        entry = _imported(entry, event)
    elif entry is not None:
        entry = _changed(entry, event, compile_)
    else:
        message = f"definition event for workflow {event.workflow_id}, which was never imported"
        raise HeadraceError(message)
    return replace(catalogue, entries=catalogue.entries | {entry.id: entry})


def _imported(entry: Entry | None, event: d.DefinitionImported) -> Entry:
    version = Version(number=event.version, document=event.document, digest=event.digest, diagnostics=event.diagnostics)
    entry = entry or Entry(id=event.workflow_id, name=event.name)
    return replace(entry, name=event.name, versions=entry.versions | {event.version: version})


def _changed(entry: Entry, event: d.DefinitionEvent, compile_: Compile) -> Entry:
    match event:
        case d.VersionPublished():
            version = entry.versions[event.version]
            compiled = compile_(version.document, entry.id, event.version, event.templates, event.accept)
            return replace(
                entry,
                status="active" if entry.status == "draft" else entry.status,
                published=event.version,
                versions=entry.versions | {event.version: replace(version, compiled=compiled)},
                in_flight=_in_flight(entry, event),
            )
        case d.WorkflowPaused():
            return replace(entry, status="paused", paused_at_ms=event.at_ms)
        case d.WorkflowResumed():
            return replace(entry, status="active", resumed_at_ms=event.at_ms)
        case d.WorkflowArchived():
            return replace(entry, status="archived", resumed_at_ms=event.at_ms)
        case _:
            return entry


def _in_flight(entry: Entry, event: d.VersionPublished) -> dict[int, int | None]:
    """The version that is live again is left alone: its old enrollments were dealt with before this is in force."""
    if event.in_flight in ("cancel", "migrate"):
        target = None if event.in_flight == "cancel" else event.version
        return dict.fromkeys(entry.versions.keys() - {event.version}, target)
    return {version: target for version, target in entry.in_flight.items() if version != event.version}


def touches_enrollments(event: d.DefinitionEvent) -> bool:
    """Whether open enrollments must hear of this event before later ones are in force."""
    return isinstance(event, d.WorkflowPaused | d.WorkflowResumed | d.WorkflowArchived) or (
        isinstance(event, d.VersionPublished) and event.in_flight in ("cancel", "migrate")
    )
