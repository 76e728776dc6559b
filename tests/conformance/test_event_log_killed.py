"""A process that writes to the log is killed at any moment: what was acknowledged stands, and nothing is torn."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.hosts import everything, open_log
from tests.conformance.writing_process import PARTITIONS, records_of

ROOT = Path(__file__).parents[2]


def write_and_kill(host: str, location: str, after: int) -> Counter[int]:
    """The last commit of each partition that was acknowledged before the process was killed."""
    command = [sys.executable, "-m", "tests.conformance.writing_process", host, location]
    acknowledged: Counter[int] = Counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(after):
            partition, n = map(int, process.stdout.readline().split())
            acknowledged[partition] = n
        process.kill()
        *rest, _torn = process.stdout.read().split("\n")  # a line that was cut off acknowledges nothing
        for line in rest:
            partition, n = map(int, line.split())
            acknowledged[partition] = n
    return acknowledged


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_acknowledged_is_lost_and_no_commit_is_torn(host: str, location: str, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(3):
        acknowledged = write_and_kill(host, location, after=rng.randrange(4, 600))
        log = await open_log(host, location)
        for partition in range(PARTITIONS):  # as the next owner does: what the killed one left open is settled
            await (await log.open_writer("g", partition)).close()
        for partition in range(PARTITIONS):
            last = await log.committed("g", "inputs", partition) or 0
            assert last >= acknowledged[partition]
            expected = [record for n in range(1, last + 1) for record in records_of(partition, n)]
            for topic in ("journal", "changes"):
                stands = [(record.key, record.value) async for record in everything(log, topic, partition)]
                assert stands == [(record.key, record.value) for record in expected if record.topic == topic]
        await log.close()
