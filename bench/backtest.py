"""Benchmark `backtest`: contact facts a second that a candidate version is tested with, on all processors."""

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure
from bench.workflows import Document, compiled, published
from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, StartAttempt, TimerDue, decide
from domain.evolve import initial
from domain.partition import home_partition
from headrace.embedded_runtime import embedded_log
from headrace.engine_clock import EngineClock
from headrace.interpreter import tune_interpreter
from headrace.jobs.backtest import Request
from headrace.jobs.backtest import run as run_job
from headrace.jobs.backtest_versions import VersionRef
from headrace.jobs.context import JobContext
from headrace.settings import load_settings
from schemas.definition_event import decode_definition_event
from schemas.event_log import NewRecord
from schemas.journal import encode_event
from schemas.topics import JOURNAL

CONTACTS = {"full": 60_000, "quick": 6_000}
FACTS = 10
"""Of each contact: the first one enrols every sixth of them, the others concern no workflow."""
START_MS = 1_800_000_000_000
DAY_MS = 86_400_000
LIVE: Document = {
    "name": "Welcome",
    "trigger": {"type": "tag_added", "config": {"tag": "lead"}},
    "steps": [
        {"id": "sms", "type": "send_sms", "config": {"body": "Hi {{first_name}}, thanks for your interest!"}},
        {"id": "wait", "type": "delay", "config": {"duration": 1, "unit": "days"}},
        {"id": "tag", "type": "add_tag", "config": {"tag": "welcomed"}},
    ],
}
CANDIDATE = """
name: Welcome
trigger: {type: tag_added, config: {tag: lead}}
steps:
  - {id: sms, type: send_sms, config: {body: "Hello {{first_name}}, thanks for your interest!"}}
  - {id: wait, type: delay, config: {duration: 2, unit: days}}
  - {id: tag, type: add_tag, config: {tag: welcomed}}
"""


async def run(directory: Path, size: str) -> list[Figure]:
    """The journal is decided by the engine's own functions, a contact at a time, and written in order of time."""
    tune_interpreter()
    os.environ["HEADRACE_DATA_DIR"] = str(directory)  # the workers open the log that it names
    settings = load_settings()
    contacts = CONTACTS[size]
    async with embedded_log(settings, EngineClock()) as log:
        definitions = list(published([LIVE], START_MS))
        await log.append(definitions)
        for records in _journal(contacts, settings.partitions, definitions):
            await log.append(records)
    facts, figures = contacts * FACTS, []
    for name, request in (
        ("a version alone", Request(new=VersionRef(text=CANDIDATE), since="2027-01-01", workers=2)),
        (
            "two versions compared",
            Request(new=VersionRef(text=CANDIDATE), old=VersionRef(), since="2027-01-01", workers=2),
        ),
        ("a version alone, one process", Request(new=VersionRef(text=CANDIDATE), since="2027-01-01", workers=1)),
    ):
        start = time.perf_counter()
        report = (await run_job(request, JobContext(settings=settings))).report
        taken = time.perf_counter() - start
        assert report["facts"] == facts, f"expected {facts} facts, found {report['facts']}"
        assert report["new"]["measures"]["enrolled"] == contacts // 6, "not everybody was enrolled"
        figures.append(Figure(f"contact facts, {name}", facts / taken, "/s"))
    figures.append(Figure("journal events for each fact", report["events"] / facts, ""))
    figures.append(
        Figure("memory of one process, at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
    )
    return figures


def _journal(contacts: int, partitions: int, definitions: list[NewRecord]) -> Iterator[list[NewRecord]]:
    """Facts of all contacts, round after round, and what the engine made of them."""
    imported = decode_definition_event(definitions[0].value or b"")
    workflow = compiled(LIVE, imported.workflow_id, 1, {}, ())
    from tests.support.engine_spec import entry

    catalogue = Catalogue(entries={workflow.id: entry(workflow)})
    seqs = [0] * contacts
    advanced = j.CatalogueAdvanced(seq=1, at_ms=START_MS, contact_id=j.PARTITION_KEY, offset=len(definitions))
    yield [_record(advanced, partition) for partition in range(partitions)]
    for round_ in range(FACTS):
        records: list[NewRecord] = []
        for number in range(contacts):
            contact_id = f"contact-{number:07}"
            partition = home_partition(contact_id, partitions)
            at_ms = START_MS + round_ * DAY_MS
            for event in _events(number, contact_id, round_, at_ms, seqs[number], catalogue):
                seqs[number] = event.seq
                records.append(_record(event, partition))
            if len(records) > 500:
                yield records
                records = []
        if records:
            yield records


_open: dict[int, object] = {}


def _events(
    number: int, contact_id: str, round_: int, at_ms: int, seq: int, catalogue: Catalogue
) -> list[j.JournalEvent]:
    kind, data = ("page.viewed", {"page": f"/pricing/{round_}"})
    if round_ == 0:
        kind = "contact.created"
        data = {
            "contact": {
                "first_name": "Ada",
                "last_name": "Lovelace",
                "email": f"ada{number}@example.com",
                "phone": f"+1555{number:07}",
                "tags": ["new"],
            }
        }
    elif round_ % 3 == 1 and not (number % 6 == 0 and round_ == 1):
        kind, data = "contact.field_updated", {"field": "score", "value": round_}
    elif number % 6 == 0 and round_ == 1:
        kind, data = "contact.tag_added", {"tag": "lead"}
    fact = ContactEvent(contact_id=contact_id, source="crm", id=f"{number}-{round_}", type=kind, data=data)
    if number % 6 or round_ > 2:
        accepted = j.ContactEventAccepted(
            seq=seq + 1,
            at_ms=at_ms,
            contact_id=contact_id,
            source="crm",
            event_id=fact.id,
            event_type=kind,
            personal=j.Data(data),
        )
        return [accepted]
    state = _open.get(number) or initial(contact_id)
    events: list[j.JournalEvent] = []

    def take(given: Input) -> None:
        nonlocal state
        decision = decide(state, given, Context(now_ms=at_ms, catalogue=catalogue))
        state = decision.state
        events.extend(decision.events)

    if round_ == 2:
        for enrollment_id in list(state.enrollments):
            take(TimerDue(contact_id=contact_id, enrollment_id=enrollment_id))
    take(fact)
    if round_ == 1:
        (enrollment,) = state.enrollments.values()
        at = {"contact_id": contact_id, "enrollment_id": enrollment.id}
        take(StartAttempt(**at, start_by_ms=at_ms + 1, deadline_ms=at_ms + 1))
        take(
            c.ReportOutcome(
                **at,
                command_id="x",
                action_key=enrollment.action.key,
                attempt=1,
                outcome="succeeded",
                provider_id="SM1",
                output={"status": "queued"},
            )
        )
    _open[number] = state
    return events


def _record(event: j.JournalEvent, partition: int) -> NewRecord:
    return NewRecord(topic=JOURNAL, partition=partition, key=event.contact_id.encode(), value=encode_event(event))
