"""A whole simulated history: definitions published, contacts born and treated, in a log that an engine can go on with."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from domain.catalogue import Catalogue, decide_definition, evolve_catalogue
from domain.definition import AnyDefinitionCommand, DefineTemplate, DefinitionCommandResulted, ImportDefinition
from domain.errors import HeadraceError
from domain.ids import deterministic_uuid
from domain.partition import home_partition
from domain.workflow import Workflow
from headrace.compiling import compile_document
from headrace.embedded_runtime import create_topics
from headrace.simulator.partition import VirtualClock, VirtualPartition
from headrace.simulator.population import Life
from headrace.simulator.summary import Summary, Tally
from headrace.simulator.vocabulary import vocabulary_of
from schemas.definition import Parsed
from schemas.definition_event import encode_definition_event
from schemas.event_log import EventLog, NewRecord
from schemas.topics import DEFINITIONS, Topics
from streams.data_directory import DataDirectory
from streams.embedded.log import EmbeddedEventLog
from streams.opening import open_store
from streams.partition_settings import GROUP, PartitionSettings

DAY_MS: Final = 86_400_000


class NotSimulated(HeadraceError):
    """The definitions can't be run."""


class NotEmpty(HeadraceError):
    """The directory has a history already; name another one, or delete it."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate. The history is `days` long and ends at `until_ms`."""

    contacts: int
    days: float
    seed: int
    until_ms: int
    partitions: int
    topics: Topics = Topics()

    @property
    def since_ms(self) -> int:
        """When the history begins."""
        return self.until_ms - int(self.days * DAY_MS)


async def simulate(
    definitions: Sequence[Parsed], plan: Plan, directory: Path, *, progress: Callable[[int], None] = lambda _: None
) -> Summary:
    """Simulate the plan into a data directory, which `headrace dev` can go on with.

    Args:
        definitions: readable workflows and templates.
        plan: how many, how long, how.
        directory: is made if it is not there; it may hold no log.
        progress: told of each partition's contacts when they have lived.

    Raises:
        NotSimulated: a definition has errors, or there is no workflow.
        NotEmpty: the directory holds a log.
        DataDirectoryInUse: somebody works there.
    """
    catalogue, records = published(definitions, plan.since_ms)
    with DataDirectory.acquire(directory):
        if (directory / "log").exists():
            message = f"{directory} has a history already; name another directory, or delete this one"
            raise NotEmpty(message)
        clock = VirtualClock(plan.since_ms)
        log = await EmbeddedEventLog.open(directory / "log", clock=clock, fsync=False)
        try:
            await create_topics(log, plan.topics, plan.partitions)
            await log.append(records)
            return await _live(log, catalogue, len(records), plan, directory, clock, progress)
        finally:
            await log.close()


def published(definitions: Iterable[Parsed], at_ms: int) -> tuple[Catalogue, list[NewRecord]]:
    """The catalogue with these definitions live, and the records of the definitions topic that made it.

    Raises:
        NotSimulated: one has errors, or none is a workflow.
    """
    catalogue, records = Catalogue(), []
    for command in _commands(definitions):
        for event in decide_definition(catalogue, command, at_ms, compile_document):
            if isinstance(event, DefinitionCommandResulted) and event.result == "rejected":
                message = f"{getattr(command, 'name', 'a template')!r} can't be published: {event.reason}"
                raise NotSimulated(message)
            catalogue = evolve_catalogue(catalogue, event, compile_document)
            key, value = event.workflow_id.encode(), encode_definition_event(event)
            records.append(NewRecord(topic=DEFINITIONS, partition=0, key=key, value=value))
    if not catalogue.entries:
        message = "expected a workflow among the definitions, found only templates"
        raise NotSimulated(message)
    return catalogue, records


def _commands(definitions: Iterable[Parsed]) -> list[AnyDefinitionCommand]:
    """Templates first, so that the workflows can pin them."""
    templates: list[AnyDefinitionCommand] = []
    workflows: list[AnyDefinitionCommand] = []
    for one in definitions:
        errors = [found for found in one.diagnostics if found.severity == "error"]
        if errors or one.document is None:
            message = f"{one.name or one.kind!r} has errors: {errors[0].message}; `headrace validate` shows them all"
            raise NotSimulated(message)
        command_id = deterministic_uuid("simulated", one.kind, one.name)
        if one.template is not None:
            workflow_id = f"template:{one.name}"
            templates.append(DefineTemplate(command_id=command_id, workflow_id=workflow_id, template=one.template))
        else:
            workflows.append(_import(one, command_id))
    return templates + workflows


def _import(one: Parsed, command_id: str) -> ImportDefinition:
    return ImportDefinition(
        command_id=command_id,
        workflow_id=deterministic_uuid("simulated workflow", one.name),
        name=one.name,
        document=one.document or {},
        source=one.source,
        format=one.format,
        digest=one.digest,
        diagnostics=one.diagnostics,
        create=True,
        publish=True,
    )


async def _live(
    log: EventLog,
    catalogue: Catalogue,
    catalogue_offset: int,
    plan: Plan,
    directory: Path,
    clock: VirtualClock,
    progress: Callable[[int], None],
) -> Summary:
    workflows = live_workflows(catalogue)
    tally, vocabulary = Tally(), vocabulary_of(workflows)
    settings = PartitionSettings(directory=directory / "store", topics=plan.topics, partitions=plan.partitions)
    lives: list[list[Life]] = [[] for _ in range(plan.partitions)]
    for number in range(1, plan.contacts + 1):
        life = Life(number, vocabulary, seed=plan.seed, since_ms=plan.since_ms, until_ms=plan.until_ms)
        lives[home_partition(life.contact_id, plan.partitions)].append(life)
    for number in range(plan.partitions):
        clock.now_ms = plan.since_ms
        store = await open_store(log, number, settings)
        partition = VirtualPartition(
            number,
            writer=await log.open_writer(GROUP, number),
            store=store,
            catalogue=catalogue,
            clock=clock,
            settings=settings,
            seed=plan.seed,
            listener=tally.take,
            reported=vocabulary.reported,
        )
        await partition.begin(catalogue_offset)
        await partition.run(lives[number], until_ms=plan.until_ms)
        store.close()
        progress(len(lives[number]))
    return tally.summary(workflows, plan.contacts)


def live_workflows(catalogue: Catalogue) -> list[Workflow]:
    """The published versions, in the order in which they came."""
    versions = (entry.versions[entry.published] for entry in catalogue.entries.values() if entry.published)
    return [version.compiled for version in versions if version.compiled is not None]
