"""A process that commits without end to every partition of a log, and says what was acknowledged; it is killed.

Commit n of a partition writes n % 7 + 1 records to `journal`, one to `changes`, and moves the position of `inputs` to n.
"""

import asyncio
import sys

from schemas.event_log import EventLog, NewRecord
from tests.conformance.hosts import open_log

PARTITIONS = 4


def records_of(partition: int, n: int) -> list[NewRecord]:
    """What commit n of the partition writes."""
    journal = [
        NewRecord(topic="journal", partition=partition, key=b"%d" % i, value=b"%d " % n * 60) for i in range(n % 7 + 1)
    ]
    return [*journal, NewRecord(topic="changes", partition=partition, key=None, value=b"%d" % n)]


async def commit_for_ever(log: EventLog, partition: int) -> None:
    writer = await log.open_writer("g", partition)
    n = (await log.committed("g", "inputs", partition) or 0) + 1
    while True:
        await writer.commit(records_of(partition, n), {"inputs": n})
        sys.stdout.write(f"{partition} {n}\n")
        sys.stdout.flush()
        n += 1


async def main(host: str, location: str) -> None:
    log = await open_log(host, location)
    for topic in ("journal", "changes"):
        await log.create_topic(topic, PARTITIONS)
    await asyncio.gather(*(commit_for_ever(log, partition) for partition in range(PARTITIONS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
