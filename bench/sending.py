"""Benchmark `sending`: messages a second through the dispatcher to the sandbox, and the processor time of one."""

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from bench.figure import Figure
from bench.inputs import append, created
from bench.installation import installation
from bench.tailing import tail
from bench.workflows import Document
from domain.journal import AttemptSucceeded, JournalEvent
from headrace.providers import actions_for

MESSAGES: Final = {"full": 5_000, "quick": 1_000}
STEPS: Final = {
    "SMS": {"id": "it", "type": "send_sms", "config": {"body": "Hi {{first_name}}, thanks for your interest!"}},
    "e-mail": {"id": "it", "type": "send_email", "config": {"subject": "Hi", "body": "Hi {{first_name}}"}},
}


async def run(directory: Path, size: str) -> list[Figure]:
    """By the real adapters to a sandbox in another process; the same with a provider that succeeds at once, for the rest."""
    figures = []
    async with _sandbox() as url:
        for name, step in STEPS.items():
            document: Document = {"name": name, "trigger": {"type": "contact_created"}, "steps": [step]}
            figures += await _measure(directory / step["id"] / name, document, MESSAGES[size], name, url)
    return figures


async def _measure(directory: Path, document: Document, messages: int, name: str, url: str) -> list[Figure]:
    sent = 0

    def see(event: JournalEvent, _: float) -> None:
        nonlocal sent
        sent += isinstance(event, AttemptSucceeded)

    async def all_sent() -> bool:
        return sent == messages

    async with installation(directory, [document]) as one, tail(one.log, one.partitions, see):
        await append(one.log, [created(one.partitions, number) for number in range(messages)])
        async with one.running(actions_for(one.settings, url)) as opened:
            await one.until(all_sent, f"{messages} messages to be sent", seconds=300)
            seconds, cpu = time.perf_counter() - opened.at, time.process_time() - opened.cpu_s
    return [
        Figure(f"{name}: sent and journaled", messages / seconds, "/s"),
        Figure(f"{name}: processor time each, ours, from the event on", cpu / messages * 1e6, "us"),
    ]


@contextlib.asynccontextmanager
async def _sandbox() -> AsyncIterator[str]:
    """The provider, as a process of its own."""
    command = (sys.executable, "-m", "headrace.sandbox", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    found = re.search(r"http://\S+", (await process.stdout.readline()).decode())
    assert found is not None, "the sandbox did not start"
    try:
        yield found.group()
    finally:
        process.terminate()
        await process.wait()
