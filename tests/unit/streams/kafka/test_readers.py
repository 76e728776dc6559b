"""A reader whose read nobody waits for any more reads on in its thread: nobody else uses it, and it is closed when it is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from schemas.event_log import Chunk
from streams.kafka import readers
from streams.kafka.readers import Readers
from streams.kafka.settings import KafkaSettings
from tests.support.told_engine import eventually

PLACE = ("journal", 0)
LIMIT, END = 5_000, 100


class BlockingReader:
    """Every read waits until the test lets it go on."""

    made: list[BlockingReader]
    let_go: threading.Event

    def __init__(self, _settings: object, _place: object, *, glances: bool) -> None:
        self.glances, self.position = glances, 0
        self.reading = self.at_once = 0
        self.closed = False
        self.made.append(self)

    def read(self, offset: int, limit: int, end: int) -> Chunk:
        self.reading += 1
        self.at_once = max(self.at_once, self.reading)
        self.let_go.wait(20)
        self.reading -= 1
        return Chunk((), end)

    def close(self) -> None:
        assert not self.reading
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BlockingReader]]:
    BlockingReader.made, BlockingReader.let_go = [], threading.Event()
    monkeypatch.setattr(readers, "PartitionReader", BlockingReader)
    yield BlockingReader.made
    BlockingReader.let_go.set()


async def test_it_is_left_to_itself_and_closed_when_it_is_done(made):
    some = Readers(KafkaSettings(bootstrap="nowhere:1"))
    given_up = asyncio.ensure_future(some.read(PLACE, 0, LIMIT, END))
    waiting = asyncio.ensure_future(some.read(PLACE, 0, LIMIT, END))
    await eventually(lambda: made and made[0].reading, "the first read to begin")
    given_up.cancel()
    await eventually(lambda: len(made) == 2 and made[1].reading, "another reader to read for who waits")
    assert not made[0].closed

    BlockingReader.let_go.set()
    assert (await waiting).next == END
    await eventually(lambda: made[0].closed, "the first reader to be closed")
    assert [one.at_once for one in made] == [1, 1]
    await some.close()


async def test_closing_waits_for_it(made):
    some = Readers(KafkaSettings(bootstrap="nowhere:1"))
    given_up = asyncio.ensure_future(some.read(PLACE, 0, LIMIT, END))
    await eventually(lambda: made and made[0].reading, "the read to begin")
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)

    closing = asyncio.ensure_future(some.close())
    BlockingReader.let_go.set()
    await closing
    assert made[0].closed
