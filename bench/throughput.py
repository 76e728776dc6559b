"""Benchmark `throughput`: completed three-step enrollments a second, in the journal and as Postgres shows them."""

import time
from pathlib import Path

from bench.figure import Figure
from bench.inputs import append, created
from bench.installation import Installation, ReadSide, installation, read_side
from bench.workflows import THREE_STEPS, THREE_STEPS_WITH_SMS, Document

CONTACTS = {"full": 20_000, "quick": 2_000}


async def run(directory: Path, size: str) -> list[Figure]:
    """Without a provider, then with one that succeeds at once."""
    plain = await _measure(directory / "plain", THREE_STEPS, CONTACTS[size], "no provider")
    return plain + await _measure(directory / "sms", THREE_STEPS_WITH_SMS, CONTACTS[size] // 2, "with an SMS")


async def _measure(directory: Path, document: Document, contacts: int, variant: str) -> list[Figure]:
    async with installation(directory, [document]) as one, read_side(directory, one.log) as shown:
        await append(one.log, [created(one.partitions, number) for number in range(contacts)])
        database_cpu = shown.cpu_s
        async with one.running() as opened:
            journaled = await _until_visible(one, shown, contacts)
            visible, cpu = time.perf_counter() - opened.at, time.process_time() - opened.cpu_s
        events = sum((await one.journal_ends()).values())
        return [
            Figure(f"{variant}: input events", contacts / (journaled - opened.at), "/s"),
            Figure(f"{variant}: journal events", events / (journaled - opened.at), "/s"),
            Figure(f"{variant}: enrollments completed in the journal", contacts / (journaled - opened.at), "/s"),
            Figure(f"{variant}: enrollments completed in Postgres", contacts / visible, "/s"),
            Figure(f"{variant}: processor time an enrollment, ours", cpu / contacts * 1e6, "us"),
            Figure(
                f"{variant}: processor time an enrollment, Postgres",
                (shown.cpu_s - database_cpu) / contacts * 1e6,
                "us",
            ),
        ]


async def _until_visible(one: Installation, shown: ReadSide, contacts: int) -> float:
    """Until Postgres counts all of them; gives the time of the journal's last growth."""
    ends, grown = await one.journal_ends(), 0.0

    async def visible() -> bool:
        nonlocal ends, grown
        now = await one.journal_ends()
        if now != ends:
            ends, grown = now, time.perf_counter()
        return await one.inputs_taken() and shown.shows(ends) and shown.completed() == contacts

    await one.until(visible, f"{contacts} completed enrollments in Postgres")
    return grown
