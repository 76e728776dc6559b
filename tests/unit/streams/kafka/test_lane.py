"""A lane is full by what its batches weigh, not by how many they are, and forgets what was dropped."""

import asyncio

from schemas.event_log import Record
from streams.batch import Batch
from streams.kafka.lane import Lane

LIMIT = 64 * 1024


def batch(first: int, *sizes: int) -> Batch:
    records = tuple(
        Record(topic="events", partition=0, offset=first + index, timestamp_ms=1, key=None, value=b"x" * size)
        for index, size in enumerate(sizes)
    )
    return Batch("events", 0, first, records, first + len(records))


def lane(told: list[str] | None = None) -> Lane:
    return Lane(LIMIT, lambda: told.append("room") if told is not None else None)


def test_many_small_batches_leave_room_and_a_few_large_records_do_not():
    steady, heavy = lane(), lane()
    for offset in range(20):
        steady.expect(batch(offset, 100))
    heavy.expect(batch(0, LIMIT))

    assert not steady.is_full
    assert heavy.is_full


def test_room_is_told_of_when_a_batch_was_handled():
    told: list[str] = []
    one, large = lane(told), batch(0, LIMIT)
    one.expect(large)
    one.handled(large)

    assert not one.is_full
    assert told == ["room"]


def test_a_batch_that_was_dropped_does_not_count_for_the_equal_one_that_is_fetched_again():
    one, before, again = lane(), batch(0, LIMIT), batch(0, LIMIT)
    one.expect(before)
    one.drop()
    one.expect(again)
    one.handled(before)

    assert before == again
    assert not one.is_current(before)
    assert one.is_current(again)
    assert one.is_full


async def test_batches_are_handled_one_after_the_other():
    one, taken, first_may_end = lane(), [], asyncio.Event()

    async def handle(_lane: Lane, given: Batch) -> None:
        taken.append(given.first)
        if given.first == 0:
            await first_may_end.wait()

    for offset in (0, 1):
        one.put(batch(offset, 1), handle)
    await asyncio.sleep(0)
    assert taken == [0]
    first_may_end.set()
    async with asyncio.timeout(20):
        while taken != [0, 1]:
            await asyncio.sleep(0)
    await one.close()
