"""What waits to be taken in: in order, counted in bytes, and dropped where it will be read again."""

import asyncio

from schemas.event_log import Record
from streams.batch import Batch
from streams.intake import Intake


def batch(topic: str, first: int, size: int = 100) -> Batch:
    record = Record(topic=topic, partition=0, offset=first, timestamp_ms=0, key=b"", value=b"x" * size, headers=())
    return Batch(topic, 0, first, (record,), first + 1)


def intake(max_bytes: int = 10_000) -> Intake:
    return Intake(max_bytes, lambda: None)


def test_batches_are_taken_out_in_order_and_make_room():
    waiting = intake(max_bytes=2_000)
    waiting.put(batch("events", 0))
    waiting.put(batch("commands", 0))
    assert waiting.is_full

    batches = waiting.batches()
    first = next(batches)

    assert (first.topic, waiting.is_full) == ("events", False)
    assert [one.topic for one in batches] == ["commands"]


def test_what_will_be_read_again_is_dropped_also_while_batches_are_taken_out():
    waiting = intake()
    for offset in range(2):
        waiting.put(batch("events", offset))
        waiting.put(batch("commands", offset))
    batches = waiting.batches()
    next(batches)

    waiting.drop("events")

    assert [(one.topic, one.first) for one in batches] == [("commands", 0), ("commands", 1)]


def test_nothing_waits_after_all_was_dropped():
    waiting = intake(max_bytes=1)
    waiting.put(batch("events", 0))

    waiting.drop()

    assert (list(waiting.batches()), waiting.is_full) == ([], False)


def test_much_input_is_a_backlog():
    waiting = intake(max_bytes=1_000_000)
    waiting.put(batch("events", 0, size=1_000))
    assert not waiting.is_behind

    waiting.put(batch("events", 1, size=100_000))

    assert waiting.is_behind


async def test_who_waits_for_room_looks_again_when_told():
    waiting = intake()
    room = asyncio.create_task(waiting.room())
    await asyncio.sleep(0)
    assert not room.done()

    waiting.let_in()

    await room


def test_whatever_comes_wakes_the_actor():
    woken = []
    waiting = Intake(1_000, lambda: woken.append(1))

    waiting.put(batch("events", 0))

    assert woken == [1]
