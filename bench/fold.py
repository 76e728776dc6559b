"""Benchmark `fold`: journal events a second when a partition's local state is wiped and folded anew."""

import shutil
import time
from pathlib import Path

from bench.figure import Figure
from bench.inputs import append, created
from bench.installation import installation
from bench.workflows import THREE_STEPS
from streams.opening import open_store
from streams.partition_settings import PartitionSettings

CONTACTS = {"full": 15_000, "quick": 2_000}


async def run(directory: Path, size: str) -> list[Figure]:
    """The journal is the one that the engine wrote of three-step enrollments."""
    async with installation(directory, [THREE_STEPS]) as one:
        await append(one.log, [created(one.partitions, number) for number in range(CONTACTS[size])])
        async with one.running():
            await one.until(one.inputs_taken, "the journal to be written")
        shutil.rmtree(directory / "store")
        settings = PartitionSettings(directory=directory / "store")
        start, cpu = time.perf_counter(), time.process_time()
        stores = [await open_store(one.log, number, settings) for number in range(one.partitions)]
        taken, cpu = time.perf_counter() - start, time.process_time() - cpu
        events = sum((await one.journal_ends()).values())
        assert sum(store.reflected.offset for store in stores) == events, "the fold ended before the journal"
        for store in stores:
            store.close()
        return [
            Figure("journal events folded into the store", events / taken, "/s"),
            Figure("processor time an event", cpu / events * 1e6, "us"),
        ]
