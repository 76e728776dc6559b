"""Benchmark `why`: how long `GET /contacts/{id}/why` and `?at=` take for one contact of a long journal."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import aiohttp
import psycopg

from bench.figure import Figure, percentiles
from bench.installation import Installation, installation
from bench.workflows import Document, compiled
from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue, Entry, Version
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, StartAttempt, TimerDue, decide
from domain.evolve import initial
from domain.ids import deterministic_uuid
from domain.partition import home_partition
from domain.times import format_time
from headrace.metrics import RoleMetrics
from headrace.serving import database_pool, http_api
from headrace.settings import load_settings
from projections.migrations import migrate
from projections.past.funnel import funnel
from projections.postgres import EmbeddedPostgres
from schemas.event_log import NewRecord
from schemas.journal import decode_event, encode_event
from schemas.topics import JOURNAL

EVENTS: Final = {"full": 2_000_000, "quick": 100_000}
"""Journal events; HEADRACE_BENCH_EVENTS asks for another number."""
ASKED: Final = 100
SEARCHES: Final = 3
APPEND: Final = 5_000
DAY_MS: Final = 86_400_000
START_MS: Final = 1_780_000_000_000
PLACEHOLDER: Final = "contact-0000000"

_REPLY = {"field": "last_sms_reply", "operator": "exists"}
WELCOME: Document = {
    "name": "Welcome",
    "trigger": {
        "type": "contact_created",
        "conditions": [{"field": "source", "operator": "equals", "value": "facebook_ad"}],
    },
    "steps": [
        {"id": "hi", "type": "send_sms", "config": {"body": "Hi {{first_name}}"}},
        {"id": "wait", "type": "delay", "config": {"duration": 1, "unit": "days"}},
        {"id": "check", "type": "condition", "config": _REPLY, "branches": {"true": "end", "false": "remind"}},
        {"id": "remind", "type": "send_sms", "config": {"body": "Hello?"}},
        {"id": "wait_more", "type": "delay", "config": {"duration": 2, "unit": "days"}},
        {"id": "cold", "type": "add_tag", "config": {"tag": "cold"}},
    ],
}
WORKFLOW_ID: Final = deterministic_uuid("bench", "Welcome")

Burst = list[j.JournalEvent]


async def run(directory: Path, size: str) -> list[Figure]:
    """All contacts live the same life at the same time, so that each burst of one lies far from its next."""
    wanted = int(os.environ.get("HEADRACE_BENCH_EVENTS", EVENTS[size]))
    bursts = life()
    postgres = EmbeddedPostgres()
    async with installation(directory, [WELCOME]) as one:
        try:
            url = await asyncio.to_thread(postgres.start, directory / "postgres")
            await asyncio.to_thread(migrate, url)
            contacts = _contacts(wanted // sum(map(len, bursts)), one.partitions)
            began = time.perf_counter()
            events = await _write(one, contacts, bursts)
            written_s = time.perf_counter() - began
            await asyncio.to_thread(_index, url, contacts, bursts)
            samples = await _ask(one, url, contacts)
            searched_ms = await _search(one, contacts, bursts)
            folded = await _fold_funnel(one, contacts, bursts)
        finally:
            await asyncio.to_thread(postgres.stop)
    return [
        Figure("journal events", events, "events"),
        Figure("journal events written", events / written_s, "/s"),
        Figure("events of one contact", sum(map(len, bursts)), "events"),
        folded,
        *[figure for name, found in samples.items() for figure in percentiles(name, found, "ms")],
        Figure("a contact's events found without the index, in its partition's journal", searched_ms, "ms"),
        Figure("finding them without the index to why, p50", searched_ms / median(samples["why"]), "x"),
    ]


def life() -> list[Burst]:
    """A contact's journal, a burst for each transaction: created, greeted, not answering, reminded, tagged."""
    workflow = compiled(WELCOME, WORKFLOW_ID, 1, {}, ())
    version = Version(number=1, document={}, digest="", diagnostics=(), compiled=workflow)
    entry = Entry(id=WORKFLOW_ID, name="Welcome", status="active", versions={1: version}, published=1)
    catalogue, state, now_ms = Catalogue(entries={WORKFLOW_ID: entry}), initial(PLACEHOLDER), START_MS
    bursts: list[Burst] = []

    def take(given: Input, after_ms: int = 1_000) -> None:
        nonlocal state, now_ms
        now_ms += after_ms
        decision = decide(state, given, Context(now_ms=now_ms, catalogue=catalogue))
        state = decision.state
        bursts.append(list(decision.events))

    def send() -> None:
        (one,) = state.enrollments.values()
        start = {"start_by_ms": now_ms + 10_000, "deadline_ms": now_ms + 60_000}
        take(StartAttempt(contact_id=PLACEHOLDER, enrollment_id=one.id, **start))
        action = next(iter(state.enrollments.values())).action
        assert action is not None
        sent = {"outcome": "succeeded", "provider_id": "SM1", "output": {"status": "queued"}}
        about = {"enrollment_id": one.id, "action_key": action.key, "attempt": action.attempt}
        take(c.ReportOutcome(command_id="o", contact_id=PLACEHOLDER, **about, **sent))

    contact = {"first_name": "Ada", "phone": "+15550001111", "source": "facebook_ad", "tags": ["lead"]}
    created = {"type": "contact.created", "data": {"contact": contact}}
    take(ContactEvent(contact_id=PLACEHOLDER, source="crm", id="1", **created))
    send()
    for number in range(3):
        field = {"field": f"score_{number}", "value": number}
        take(
            ContactEvent(
                contact_id=PLACEHOLDER, source="crm", id=f"f{number}", type="contact.field_updated", data=field
            )
        )
    (enrollment_id,) = state.enrollments
    take(TimerDue(contact_id=PLACEHOLDER, enrollment_id=enrollment_id), DAY_MS)
    send()
    take(TimerDue(contact_id=PLACEHOLDER, enrollment_id=enrollment_id), 2 * DAY_MS)
    return bursts


def _contacts(count: int, partitions: int) -> list[list[str]]:
    """The contacts of each partition."""
    homes: list[list[str]] = [[] for _ in range(partitions)]
    for number in range(max(count, ASKED)):
        contact_id = f"contact-{number:07}"
        homes[home_partition(contact_id, partitions)].append(contact_id)
    return homes


async def _write(one: Installation, contacts: Sequence[Sequence[str]], bursts: Sequence[Burst]) -> int:
    for partition, of_partition in enumerate(contacts):
        batch = [_record(partition, "", encode_event(event)) for event in _opening()]
        for record in _journal(partition, of_partition, bursts):
            batch.append(record)
            if len(batch) >= APPEND:
                await one.log.append(batch)
                batch = []
        await one.log.append(batch)
    return sum((await one.journal_ends()).values())


def _opening() -> list[j.JournalEvent]:
    head: dict[str, Any] = {"at_ms": START_MS, "contact_id": j.PARTITION_KEY}
    return [j.PartitionOpened(seq=1, fires_from_ms=0, **head), j.CatalogueAdvanced(seq=2, offset=3, **head)]


def _journal(partition: int, contacts: Sequence[str], bursts: Sequence[Burst]) -> Iterator[NewRecord]:
    placeholder = PLACEHOLDER.encode()
    for burst in bursts:
        values = [encode_event(event) for event in burst]
        for contact_id in contacts:
            own = contact_id.encode()
            for value in values:
                yield _record(partition, contact_id, value.replace(placeholder, own))


def _record(partition: int, contact_id: str, value: bytes) -> NewRecord:
    return NewRecord(topic=JOURNAL, partition=partition, key=contact_id.encode(), value=value)


def _index(url: str, contacts: Sequence[Sequence[str]], bursts: Sequence[Burst]) -> None:
    """The rows that the projector would have made of this journal, as far as the questions need them."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE TABLE lives (partition int, count int, ordinal int, id text)")
        with database.cursor().copy("COPY lives FROM STDIN") as copy:
            for partition, of_partition in enumerate(contacts):
                for ordinal, contact_id in enumerate(of_partition):
                    copy.write_row((partition, len(of_partition), ordinal, contact_id))
        database.execute("CREATE TABLE happenings (seq int, before int, size int, place int, at timestamptz)")
        before = 0
        for burst in bursts:
            for place, event in enumerate(burst):
                row = (event.seq, before, len(burst), place, format_time(event.at_ms))
                database.execute("INSERT INTO happenings VALUES (%s, %s, %s, %s, %s)", row)
            before += len(burst)
        opening = len(_opening())
        database.execute(
            """
            INSERT INTO timeline (contact_id, seq, at, type, summary, data, "offset")
            SELECT l.id, h.seq, h.at, 'x', 'x', '{}', %s + h.before::bigint * l.count + l.ordinal * h.size + h.place
              FROM lives l CROSS JOIN happenings h
            """,
            [opening],
        )
        at = format_time(START_MS + 1_000)
        database.execute(
            "INSERT INTO contacts (id, created, seq, created_at, updated_at) SELECT id, true, 1, %s, %s FROM lives",
            [at, at],
        )
        database.execute(
            "INSERT INTO workflows (id, name, status, version, created_at, updated_at) VALUES (%s, 'Welcome', 'active', 1, %s, %s)",
            [WORKFLOW_ID, at, at],
        )
        database.execute(
            """INSERT INTO catalogue_advances (partition, "offset", catalogue_offset) SELECT g, 1, 3 FROM generate_series(0, %s) g""",
            [len(contacts) - 1],
        )
        database.execute("VACUUM ANALYZE timeline")


async def _fold_funnel(one: Installation, contacts: Sequence[Sequence[str]], bursts: Sequence[Burst]) -> Figure:
    """The worst case of a funnel of a moment: every enrollment has moved on since."""
    places: dict[int, dict[str, list[int]]] = {}
    for partition, of_partition in enumerate(contacts):
        count, before = len(of_partition), len(_opening())
        offsets: dict[str, list[int]] = {contact_id: [] for contact_id in of_partition}
        for burst in bursts:
            wanted = [
                place
                for place, event in enumerate(burst)
                if event.at_ms < START_MS + DAY_MS and getattr(event, "enrollment_id", None)
            ]
            for ordinal, contact_id in enumerate(of_partition):
                offsets[contact_id] += [before + ordinal * len(burst) + place for place in wanted]
            before += count * len(burst)
        places[partition] = offsets
    began = time.perf_counter()
    found = await funnel(one.log, places)
    seconds = time.perf_counter() - began
    total = sum(map(len, contacts))
    assert found.enrollments == {"active": total}, found
    return Figure("enrollments folded for a funnel of the past", total / seconds, "/s")


async def _search(one: Installation, contacts: Sequence[Sequence[str]], bursts: Sequence[Burst]) -> float:
    """How long it takes to find a contact's events when nobody knows where they are; in milliseconds."""
    times = []
    for _ in range(SEARCHES):
        key, began, at, found = contacts[0][0].encode(), time.perf_counter(), 0, 0
        while chunk := await one.log.read(JOURNAL, 0, at, limit=APPEND):
            found += len([decode_event(record.value or b"") for record in chunk if record.key == key])
            at = chunk.next
        times.append((time.perf_counter() - began) * 1_000)
        assert found == sum(map(len, bursts)), found
    return median(times)


async def _ask(one: Installation, url: str, contacts: Sequence[Sequence[str]]) -> dict[str, list[float]]:
    settings = load_settings(data_dir=one.settings.data_dir, port=0)
    everyone = [contact_id for of_partition in contacts for contact_id in of_partition]
    asked = random.Random(1).sample(everyone, ASKED)
    at = format_time(START_MS + DAY_MS)
    paths: dict[str, Callable[[str], str]] = {
        "why": lambda contact: f"/contacts/{contact}/why?workflow_id={WORKFLOW_ID}",
        "contact as of a moment": lambda contact: f"/contacts/{contact}?at={at}",
    }
    found: dict[str, list[float]] = {}
    async with (
        database_pool(url) as pool,
        http_api(
            settings, one.log, one.clock, pool, url, partitions=one.partitions, metrics=RoleMetrics("api")
        ) as base,
        aiohttp.ClientSession() as session,
    ):
        for name, path in paths.items():
            found[name] = []
            for contact in asked:
                began = time.perf_counter()
                async with session.get(f"{base}/api/v1{path(contact)}") as answer:
                    body = await answer.json()
                found[name].append((time.perf_counter() - began) * 1_000)
                assert answer.status == 200, body
    return found
