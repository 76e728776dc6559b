"""Journals for tests of the read side: transactions written as the engine writes them."""

from collections.abc import Iterable, Sequence

from domain import journal as j
from domain.definition import AnyDefinitionEvent, DefinitionImported, VersionPublished
from domain.partition import home_partition
from schemas.definition_event import encode_definition_event
from schemas.event_log import EventLog, NewRecord
from schemas.journal import POSITIONS_HEADER, encode_event, encode_positions
from schemas.topics import DEAD_LETTERS, DEFINITIONS, JOURNAL

WORKFLOW = "6a8f2f4e-0d5c-8a11-9a52-1c1f5b5a0001"
NOW = 1_800_000_000_000


async def make_topics(log: EventLog, partitions: int) -> None:
    await log.create_topic(JOURNAL, partitions)
    await log.create_topic(DEAD_LETTERS, partitions)
    await log.create_topic(DEFINITIONS, 1)


def records(partition: int, events: Sequence[j.JournalEvent], *, whole: bool = True) -> list[NewRecord]:
    """The records of one transaction; one that is not `whole` lacks its last record's header."""
    ends = (len(events) - 1) if whole else -1
    return [
        NewRecord(
            topic=JOURNAL,
            partition=partition,
            key=event.contact_id.encode(),
            value=encode_event(event),
            headers=((POSITIONS_HEADER, encode_positions({"contact-events": index + 1})),) if index == ends else (),
        )
        for index, event in enumerate(events)
    ]


async def write(log: EventLog, *transactions: Sequence[j.JournalEvent], partition: int | None = None) -> None:
    """Append transactions, each in the home of its first event's contact unless a partition is given."""
    count = await log.partitions(JOURNAL)
    for events in transactions:
        home = home_partition(events[0].contact_id, count) if partition is None else partition
        await log.append(records(home, events))


async def define(log: EventLog, *events: AnyDefinitionEvent) -> None:
    await log.append(
        [
            NewRecord(
                topic=DEFINITIONS, partition=0, key=event.workflow_id.encode(), value=encode_definition_event(event)
            )
            for event in events
        ]
    )


def imported(
    workflow_id: str = WORKFLOW, version: int = 1, name: str = "Welcome", at_ms: int = NOW
) -> DefinitionImported:
    return DefinitionImported(
        at_ms=at_ms,
        workflow_id=workflow_id,
        command_id=f"import-{version}",
        version=version,
        name=name,
        document={"name": name, "steps": [], "a": 1},
        source=f"name: {name}\n",
        format="yaml",
        digest=f"digest-{version}",
    )


def published(workflow_id: str = WORKFLOW, version: int = 1, at_ms: int = NOW) -> VersionPublished:
    return VersionPublished(
        at_ms=at_ms, workflow_id=workflow_id, command_id=f"publish-{version}", version=version, in_flight="pin"
    )


def batches(events: Iterable[j.JournalEvent], sizes: Iterable[int]) -> list[list[j.JournalEvent]]:
    """The events cut into transactions of these sizes; what is left over is one more."""
    rest, cut = list(events), []
    for size in sizes:
        if rest:
            cut.append(rest[:size])
            rest = rest[size:]
    return [*cut, rest] if rest else cut
