"""Benchmark `backtest`: contact facts a second that a candidate version is tested with, in one process and in two."""

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.bare_fold import bare_fold
from bench.figure import Figure
from bench.workflows import Document, compiled, published
from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue, evolve_catalogue
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, StartAttempt, TimerDue, decide
from domain.evolve import initial
from domain.partition import home_partition
from domain.state import ContactState
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
ROUNDS = 10
"""Facts of each contact, a day apart."""
ENROLLED = 6
"""One of so many contacts gets the tag that enrols it, in the second round."""
AT_ONCE = 500
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
CANDIDATE = VersionRef(
    text="""
name: Welcome
trigger: {type: tag_added, config: {tag: lead}}
steps:
  - {id: sms, type: send_sms, config: {body: "Hello {{first_name}}, thanks for your interest!"}}
  - {id: wait, type: delay, config: {duration: 2, unit: days}}
  - {id: tag, type: add_tag, config: {tag: welcomed}}
"""
)
PUBLISHED = VersionRef()


class _Silent(JobContext):
    def progress(self, done: int, total: int | None, unit: str = "events") -> None:
        """Say nothing: standard output is the benchmark's."""


async def run(directory: Path, size: str) -> list[Figure]:
    """The journal is decided by the engine's own functions, and written round after round."""
    tune_interpreter()
    os.environ["HEADRACE_DATA_DIR"] = str(directory)  # the workers open the log that it names
    contacts = CONTACTS[size]
    events = await _write(contacts)
    facts = contacts * ROUNDS
    figures, rates, cpus = list[Figure](), dict[str, float](), dict[str, float]()
    for name, old, workers in (
        ("one process", None, 1),
        ("two processes", None, 2),
        ("two versions compared, two processes", PUBLISHED, 2),
    ):
        request = Request(new=CANDIDATE, old=old, since="2027-01-01", workers=workers)
        start, cpu = time.perf_counter(), _cpu_s()
        report = (await run_job(request, _Silent(settings=load_settings()))).report
        taken, cpu = time.perf_counter() - start, _cpu_s() - cpu
        assert (report["facts"], report["new"]["measures"]["enrolled"]) == (facts, contacts // ENROLLED)
        rates[name], cpus[name] = facts / taken, cpu
        figures += [
            Figure(f"contact facts, {name}", rates[name], "/s"),
            Figure(f"processor time a fact, {name}", cpu / facts * 1e6, "us"),
        ]
    async with embedded_log(load_settings(), EngineClock()) as log:
        bare = await bare_fold(log)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return [
        *figures,
        Figure("two processes to one, facts a second", rates["two processes"] / rates["one process"], "x"),
        Figure("one process to the bare fold of that journal, processor time", cpus["one process"] / bare.cpu_s, "x"),
        Figure("journal events for each fact", events / facts, ""),
        Figure("memory of a process of two, at most", memory / 1024, "MB"),
    ]


def _cpu_s() -> float:
    """Processor time of this process and of those of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


async def _write(contacts: int) -> int:
    """Write the log; gives the number of its journal events."""
    settings = load_settings()
    async with embedded_log(settings, EngineClock()) as log:
        definitions = list(published([LIVE], START_MS))
        await log.append(definitions)
        history = _History(definitions, settings.partitions)
        count = 0
        for records in history.records(contacts):
            await log.append(records)
            count += len(records)
    return count


class _History:
    """Facts of all contacts, round after round, and what the engine makes of them."""

    def __init__(self, definitions: list[NewRecord], partitions: int) -> None:
        self.partitions, self.definitions = partitions, len(definitions)
        self.catalogue = Catalogue()
        for record in definitions:
            event = decode_definition_event(record.value or b"")
            self.catalogue = evolve_catalogue(self.catalogue, event, compiled)
        self.states: dict[int, ContactState] = {}
        """Of those that are enrolled, as long as their workflow runs."""
        self.now_ms = START_MS

    def records(self, contacts: int) -> Iterator[list[NewRecord]]:
        advanced = j.CatalogueAdvanced(seq=1, at_ms=START_MS, contact_id=j.PARTITION_KEY, offset=self.definitions)
        yield [self._record(advanced, partition) for partition in range(self.partitions)]
        seqs = [0] * contacts
        for number in range(ROUNDS):
            self.now_ms = START_MS + number * DAY_MS
            batch: list[NewRecord] = []
            for contact in range(contacts):
                contact_id = f"contact-{contact:07}"
                partition = home_partition(contact_id, self.partitions)
                for event in self._events(contact, contact_id, number, seqs[contact]):
                    seqs[contact] = event.seq
                    batch.append(self._record(event, partition))
                if len(batch) >= AT_ONCE:
                    yield batch
                    batch = []
            yield batch

    def _events(self, contact: int, contact_id: str, number: int, seq: int) -> list[j.JournalEvent]:
        kind, data = _fact(contact, number)
        if contact % ENROLLED == 0 and number < 3:  # the rounds in which its workflow runs
            given = ContactEvent(contact_id=contact_id, source="crm", id=f"{contact}-{number}", type=kind, data=data)
            return self._decided(contact, number, given)
        accepted = j.ContactEventAccepted(
            seq=seq + 1,
            at_ms=self.now_ms,
            contact_id=contact_id,
            source="crm",
            event_id=f"{contact}-{number}",
            event_type=kind,
            personal=j.Data(data),
        )
        return [accepted]

    def _decided(self, contact: int, number: int, fact: ContactEvent) -> list[j.JournalEvent]:
        state = self.states.get(contact) or initial(fact.contact_id)
        events: list[j.JournalEvent] = []

        def take(given: Input) -> None:
            nonlocal state
            decision = decide(state, given, Context(now_ms=self.now_ms, catalogue=self.catalogue))
            state = decision.state
            events.extend(decision.events)

        for enrollment_id in list(state.enrollments):
            take(TimerDue(contact_id=fact.contact_id, enrollment_id=enrollment_id))
        take(fact)
        for enrollment in state.enrollments.values():
            if enrollment.action is not None:
                self._send(take, fact.contact_id, enrollment.id, enrollment.action.key)
                break
        self.states[contact] = state
        if number == 2:
            del self.states[contact]
        return events

    def _send(self, take: Any, contact_id: str, enrollment_id: str, key: str) -> None:
        until_ms = self.now_ms + 60_000
        take(
            StartAttempt(contact_id=contact_id, enrollment_id=enrollment_id, start_by_ms=until_ms, deadline_ms=until_ms)
        )
        take(
            c.ReportOutcome(
                command_id=f"outcome {key}",
                contact_id=contact_id,
                enrollment_id=enrollment_id,
                action_key=key,
                attempt=1,
                outcome="succeeded",
                provider_id="SM1",
                output={"status": "queued"},
            )
        )

    @staticmethod
    def _record(event: j.JournalEvent, partition: int) -> NewRecord:
        key, value = event.contact_id.encode(), encode_event(event)
        return NewRecord(topic=JOURNAL, partition=partition, key=key, value=value)


def _fact(contact: int, number: int) -> tuple[str, dict[str, Any]]:
    if number == 0:
        about = {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": f"ada{contact}@example.com",
            "phone": f"+1555{contact:07}",
        }
        return "contact.created", {"contact": about}
    if number == 1 and contact % ENROLLED == 0:
        return "contact.tag_added", {"tag": "lead"}
    if number % 3 == 1:
        return "contact.field_updated", {"field": "score", "value": number}
    return "page.viewed", {"page": f"/pricing/{number}"}
