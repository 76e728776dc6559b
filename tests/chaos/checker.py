"""Counts what happened, from the outside: raw topics, the sandbox's inbox and Postgres. It shares no code with the engine.

Its own copies of the rules (statuses, which event moves what) are deliberate: a rule that the engine gets wrong in
one place must not be wrong here too.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import confluent_kafka
import psycopg
import requests

LEGAL = {
    "active": {"paused", "completed", "exited", "failed", "cancelled"},
    "paused": {"active", "cancelled"},
    "failed": {"active", "cancelled"},
}
MOVES = {
    "enrollment_completed": "completed",
    "enrollment_exited": "exited",
    "enrollment_cancelled": "cancelled",
    "enrollment_paused": "paused",
    "enrollment_resumed": "active",
    "enrollment_retried": "active",
}
OUTCOMES = ("attempt_succeeded", "attempt_failed", "attempt_unknown")

Event = dict[str, Any]
Journal = dict[str, list[Event]]
"""By contact, in order."""


@dataclass
class Report:
    """What was counted, and every finding in words; none is what one hopes for."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.findings.append(words)


def read_topic(bootstrap: str, topic: str) -> list[confluent_kafka.Message]:
    """Every committed record of a topic, partition by partition, in order."""
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "headrace-checker",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    consumer = confluent_kafka.Consumer(settings)
    try:
        partitions = list(consumer.list_topics(topic, timeout=20).topics[topic].partitions)
        consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in partitions])
        found, open_ones = defaultdict(list), set(partitions)
        while open_ones:
            for message in consumer.consume(10_000, timeout=5.0):
                if message.error() is None:
                    found[message.partition()].append(message)
                elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                    open_ones.discard(message.partition())
                else:
                    raise confluent_kafka.KafkaException(message.error())
        return [message for number in sorted(found) for message in found[number]]
    finally:
        consumer.close()


def read_journal(bootstrap: str, topic: str = "headrace.journal") -> Journal:
    """The journal by contact; the partitions' own events (an empty key) are left out."""
    journal: Journal = defaultdict(list)
    for message in read_topic(bootstrap, topic):
        if message.key():
            journal[message.key().decode()].append(json.loads(message.value()))
    return journal


def check(
    journal: Journal, accepted: Iterable[tuple[str, str, str]], inbox: Sequence[Event], database_url: str
) -> Report:
    """Compare everything with everything.

    Args:
        journal: the raw journal by contact.
        accepted: (contact id, source, event id) of each input that the log acknowledged, in order per contact.
        inbox: the sandbox's messages.
        database_url: the read side.
    """
    report = Report()
    check_order(report, journal)
    check_inputs(report, journal, accepted)
    for events in journal.values():
        check_histories(report, events)
    check_sends(report, journal, inbox)
    check_deliveries(report, journal, inbox)
    check_ledger(report, journal, inbox, database_url)
    check_read_side(report, journal, database_url)
    return report


def check_order(report: Report, journal: Journal) -> None:
    """Gapless and in order, for each contact."""
    for contact, events in journal.items():
        seqs = [event["seq"] for event in events]
        report.expect(seqs == list(range(1, len(seqs) + 1)), f"contact {contact}: its seqs are {seqs[:20]}...")
        times = [event["at_ms"] for event in events]
        report.expect(times == sorted(times), f"contact {contact}: time runs backwards")
        report.counts["journal events"] += len(events)
    report.counts["contacts"] = len(journal)


def check_inputs(report: Report, journal: Journal, accepted: Iterable[tuple[str, str, str]]) -> None:
    """Every acknowledged input stands in the journal once, in the order in which it was acknowledged."""
    sent: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for contact, source, event_id in accepted:
        if (source, event_id) not in sent[contact]:
            sent[contact].append((source, event_id))
    for contact, wanted in sent.items():
        taken = [
            (e["source"], e["event_id"]) for e in journal.get(contact, ()) if e["type"] == "contact_event_accepted"
        ]
        report.counts["inputs"] += len(wanted)
        report.expect(taken == wanted, f"contact {contact}: sent {wanted[:6]}..., journaled {taken[:6]}...")


def check_histories(report: Report, events: list[Event]) -> None:
    """Each enrollment's statuses are legal; steps end once a visit; actions are asked for once, attempts end once."""
    status: dict[str, str] = {}
    once: Counter[tuple[Any, ...]] = Counter()
    attempts: dict[str, int] = {}
    for event in events:
        kind, enrollment = event["type"], event.get("enrollment_id")
        if kind == "enrolled":
            once["enrolled", enrollment] += 1
            status[enrollment] = "active"
            report.counts["enrollments"] += 1
        target = "failed" if kind == "incident_opened" and enrollment else MOVES.get(kind)
        if target:
            legal = target in LEGAL.get(status.get(enrollment, ""), ())
            report.expect(legal, f"{enrollment}: {status.get(enrollment)} became {target} ({kind})")
            status[enrollment] = target
        if kind in ("step_completed", "step_skipped", "timer_set", "action_requested"):
            ends = "ends" if kind in ("step_completed", "step_skipped") else kind
            once[ends, enrollment, event["step_id"], event["visit"]] += 1
        if kind == "action_requested":
            report.counts["actions"] += 1
        if kind == "attempt_started":
            key = event["action_key"]
            report.expect(
                event["attempt"] == attempts.get(key, 0) + 1, f"{key}: attempt {event['attempt']} out of order"
            )
            attempts[key] = event["attempt"]
        if kind in OUTCOMES:
            key, attempt = event["action_key"], event["attempt"]
            report.expect(attempts.get(key) == attempt, f"{key}: an outcome of attempt {attempt} that did not start")
            if kind != "attempt_unknown":
                once["outcome", key, attempt] += 1
    for what, count in once.items():
        report.expect(count == 1, f"{what} happened {count} times")


def check_sends(report: Report, journal: Journal, inbox: Sequence[Event]) -> None:
    """A message reached the provider once if the journal says so, at most once if nobody knows, else never."""
    last: dict[str, str] = {}
    for events in journal.values():
        for event in events:
            if event["type"] in ("attempt_started", *OUTCOMES):
                last[event["action_key"]] = event["type"]
    seen = Counter(message["action_key"] for message in inbox if message["channel"] in ("sms", "email"))
    report.counts["messages"] = sum(seen.values())
    for key, count in seen.items():
        report.expect(count == 1, f"{key}: the provider took it {count} times")
        report.expect(key in last, f"{key}: a message that was never intended")
    for key, outcome in last.items():
        if outcome == "attempt_succeeded":
            report.expect(seen[key] == 1, f"{key}: succeeded, and the provider has it {seen[key]} times")
        elif outcome == "attempt_failed":
            report.expect(seen[key] == 0, f"{key}: failed, and the provider has it")
        else:
            report.counts["unknown sends"] += 1


def check_deliveries(report: Report, journal: Journal, inbox: Sequence[Event]) -> None:
    """A callback is about a message that the provider has, and shows an unknown outcome to be a success."""
    provider_ids = {message["provider_id"]: message["action_key"] for message in inbox}
    for events in journal.values():
        told: dict[str, str] = {}
        for event in events:
            key = event.get("action_key")
            if event["type"] == "delivery_reported":
                report.counts["callbacks"] += 1
                owner = provider_ids.get(event["provider_id"])
                report.expect(owner == key, f"{key}: a callback about {event['provider_id']}, which is {owner}'s")
                report.expect(told.get(key) == "attempt_succeeded", f"{key}: told of, and it is {told.get(key)}")
            elif event["type"] in ("attempt_started", *OUTCOMES):
                report.counts["found"] += event["type"] == "attempt_succeeded" and told[key] == "attempt_unknown"
                told[key] = event["type"]


def check_ledger(report: Report, journal: Journal, inbox: Sequence[Event], database_url: str) -> None:
    """The send ledger says of each action what the journal does, and each of the provider's messages is one action's."""
    last: dict[str, str] = {}
    for event in (event for events in journal.values() for event in events):
        if event["type"] in ("action_requested", "attempt_started", *OUTCOMES):
            last[event["action_key"]] = event["type"]
        elif event["type"] == "step_skipped" and event["step_type"] in ("send_sms", "send_email"):
            last[f"{event['enrollment_id']}/{event['step_id']}/{event['visit']}"] = "step_skipped"
            report.counts["skipped"] += 1
    words = {
        "attempt_succeeded": "succeeded",
        "attempt_failed": "failed",
        "attempt_unknown": "unknown",
        "step_skipped": "skipped",
    }
    provider_ids = {message["action_key"]: message["provider_id"] for message in inbox}
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT action_key, outcome, provider_id FROM send_ledger").fetchall()
    report.expect(len(rows) == len(last), f"the ledger has {len(rows)} rows, the journal {len(last)} intents")
    for key, outcome, provider_id in rows:
        wanted = words.get(last.get(key, ""))
        report.expect(outcome == wanted, f"{key}: {outcome} in Postgres, {wanted} in the journal")
        known = provider_ids.get(key)
        report.expect(provider_id in (None, known), f"{key}: {provider_id} in Postgres, {known} of the provider")


def check_read_side(report: Report, journal: Journal, database_url: str) -> None:
    """The projections are what a fold of the journal gives."""
    enrollments, tags = fold(journal)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT id::text, status, current_step FROM workflow_enrollments").fetchall()
        found = {row[0]: (row[1], row[2]) for row in rows}
        people = dict(connection.execute("SELECT id, tags FROM contacts").fetchall())
        length = connection.execute("SELECT count(*) FROM timeline").fetchone()
    report.expect(
        found.keys() == enrollments.keys(), f"enrollments: {len(found)} rows, {len(enrollments)} in the journal"
    )
    for key, wanted in enrollments.items():
        report.expect(
            found.get(key) == wanted, f"enrollment {key}: {found.get(key)} in Postgres, {wanted} in the journal"
        )
    for contact, wanted in tags.items():
        report.expect(people.get(contact) == wanted, f"contact {contact}: tags {people.get(contact)}, journal {wanted}")
    events = sum(map(len, journal.values()))
    report.expect(
        length is not None and length[0] == events, f"timeline has {length} rows, the journal {events} events"
    )


def fold(journal: Journal) -> tuple[dict[str, tuple[str, str | None]], dict[str, list[str]]]:
    """Each enrollment's status and step, and each contact's tags, by a few lines of its own."""
    enrollments: dict[str, tuple[str, str | None]] = {}
    tags: dict[str, list[str]] = {}
    for contact, events in journal.items():
        for event in events:
            _fold_tags(tags.setdefault(contact, []), event)
            _fold_enrollment(enrollments, event)
    return enrollments, tags


def _fold_tags(tags: list[str], event: Event) -> None:
    kind = event.get("event_type") if event["type"] == "contact_event_accepted" else event.get("change")
    if event.get("applied") is False:
        return
    data = event.get("personal", {}).get("data", {})
    if kind == "contact.created":
        tags += [tag for tag in data.get("contact", {}).get("tags", ()) if tag not in tags]
    elif kind == "contact.tag_added" and data["tag"] not in tags:
        tags.append(data["tag"])
    elif kind == "contact.tag_removed" and data["tag"] in tags:
        tags.remove(data["tag"])


def _fold_enrollment(enrollments: dict[str, tuple[str, str | None]], event: Event) -> None:
    kind, key = event["type"], event.get("enrollment_id")
    if kind == "enrolled":
        enrollments[key] = ("active", event["first_step"])
    elif key in enrollments:
        status, step = enrollments[key]
        target = "failed" if kind == "incident_opened" else MOVES.get(kind)
        goes_on = kind in ("step_completed", "step_skipped") or (kind == "step_failed" and event.get("goes_on"))
        step = event.get("next_step") if goes_on else step
        closed = target in ("completed", "exited", "cancelled")
        enrollments[key] = (target or status, None if closed else step)


def inbox_of(sandbox_url: str) -> list[Event]:
    """The sandbox's messages."""
    return list(requests.get(f"{sandbox_url}/inbox.json", timeout=60).json()["messages"])
