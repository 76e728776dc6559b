"""Benchmark `non_matching`: events a second that concern no workflow, with 1,000 live workflows."""

import time
from pathlib import Path

from bench.figure import Figure
from bench.inputs import append, contact_event
from bench.installation import installation
from bench.workflows import never_fired

WORKFLOWS = {"full": 1_000, "quick": 1_000}
EVENTS = {"full": 60_000, "quick": 10_000}
CONTACTS = 5_000
"""The events are spread over so many contacts, as page views are."""


async def run(directory: Path, size: str) -> list[Figure]:
    """The engine alone: every event is journaled once as a fact of its contact, and nothing else follows."""
    events = EVENTS[size]
    async with installation(directory, never_fired(WORKFLOWS[size])) as one:
        records = [
            contact_event(
                one.partitions, f"c{n % CONTACTS}", f"view-{n}", "page.viewed", {"page": f"/pricing/{n % 50}"}
            )
            for n in range(events)
        ]
        await append(one.log, records)
        async with one.running() as opened:
            await one.until(one.inputs_taken, f"{events} events")
            taken, cpu = time.perf_counter() - opened.at, time.process_time() - opened.cpu_s
        return [
            Figure(f"events with {WORKFLOWS[size]:,} live workflows", events / taken, "/s"),
            Figure("processor time an event", cpu / events * 1e6, "us"),
        ]
