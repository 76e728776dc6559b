"""The journal a page at a time: every event once and in order, of whom and from when one asks, personal data apart."""

import pytest

from domain import journal as j
from projections import journal_page
from projections.journal_page import JournalQuery, offset_at, read_journal, read_journal_at
from schemas.topics import JOURNAL
from tests.support.journals import make_topics, write
from tests.support.memory_log import MemoryEventLog

START = 1_000


def fact(contact_id: str, seq: int, at_ms: int) -> j.ContactEventAccepted:
    return j.ContactEventAccepted(
        seq=seq, at_ms=at_ms, contact_id=contact_id, source="crm", event_id=str(seq), event_type="x",
        personal=j.Data({"secret": contact_id}),
    )  # fmt: skip


@pytest.fixture
async def log():
    """A journal of one partition: contacts a and b by turns, an event every ten milliseconds."""
    log = MemoryEventLog()
    await make_topics(log, 1)
    for number in range(20):
        contact_id = "ab"[number % 2]
        await write(log, [fact(contact_id, number // 2 + 1, START + number * 10)], partition=0)
    return log


async def walk(log, **query):
    """All items, page by page, and how many pages it took."""
    items, offset, pages = [], query.pop("offset", None), 0
    while pages < 100:
        page = await read_journal(log, JournalQuery(partition=0, offset=offset, **query))
        pages += 1
        items += page.items
        if (offset := page.next_offset) is None:
            return items, pages
    raise AssertionError("the journal has no end")


@pytest.mark.parametrize("limit", [1, 3, 7, 20, 21, 500])
async def test_every_event_comes_once_and_in_order(log, limit):
    items, pages = await walk(log, limit=limit)

    assert [item.offset for item in items] == list(range(20))
    assert pages == -(-20 // limit)


async def test_personal_data_comes_only_when_it_is_asked_for(log):
    without, with_it = (await walk(log))[0], (await walk(log, personal=True))[0]

    assert "secret" not in repr(without)
    assert with_it[0].event == {**without[0].event, "personal": {"data": {"secret": "a"}}}
    assert without[0].event["type"] == "contact_event_accepted"


async def test_one_contacts_events(log):
    items, _ = await walk(log, contact_id="b", limit=4)

    assert [item.event["contact_id"] for item in items] == ["b"] * 10
    assert [item.event["seq"] for item in items] == list(range(1, 11))


@pytest.mark.parametrize("limit", [1, 3, 10, 500])
async def test_one_contacts_events_by_their_places(log, limit):
    offsets, items, at = list(range(1, 20, 2)), [], None
    for _ in range(20):
        page = await read_journal_at(log, JournalQuery(partition=0, contact_id="b", offset=at, limit=limit), offsets)
        items += page.items
        if (at := page.next_offset) is None:
            break

    assert [item.offset for item in items] == offsets
    assert "secret" not in repr(items)
    since = JournalQuery(partition=0, contact_id="b", since_ms=START + 35, until_ms=START + 70)
    assert [item.offset for item in (await read_journal_at(log, since, offsets)).items] == [5]


async def test_a_page_looks_at_so_many_records_and_leads_on(log, monkeypatch):
    monkeypatch.setattr(journal_page, "_SCANNED", 2)
    monkeypatch.setattr(journal_page, "_READ", 2)
    page = await read_journal(log, JournalQuery(partition=0, contact_id="nobody"))

    assert (page.items, page.next_offset) == ([], 2)
    assert (await walk(log, contact_id="nobody"))[0] == []


@pytest.mark.parametrize(
    ("since_ms", "until_ms", "offsets"),
    [
        (START, None, range(20)),
        (START + 1, None, range(1, 20)),
        (START + 50, START + 80, range(5, 8)),
        (START + 45, START + 81, range(5, 9)),
        (0, START, range(0)),
        (START + 1_000, None, range(0)),
        (None, START + 10, range(1)),
    ],
)
async def test_from_a_time_on_and_until_one(log, since_ms, until_ms, offsets):
    items, _ = await walk(log, since_ms=since_ms, until_ms=until_ms, limit=2)

    assert [item.offset for item in items] == list(offsets)


async def test_many_events_of_one_moment_are_found_from_the_first(log):
    await write(log, *([fact("c", seq, 5_000)] for seq in range(1, 6)), partition=0)

    assert await offset_at(log, 0, 5_000) == 20
    assert await offset_at(log, 0, 5_001) == 25


async def test_a_time_is_found_between_offsets_that_no_record_has(log):
    """As a broker's transaction markers leave them: what is read at an offset may stand behind it."""

    class Holes:
        async def end_offset(self, topic, partition):
            return 2 * await log.end_offset(topic, partition)

        async def read(self, topic, partition, offset, *, limit):
            from msgspec.structs import replace

            from schemas.event_log import Chunk

            chunk = await log.read(topic, partition, (offset + 1) // 2, limit=limit)
            moved = [replace(record, offset=2 * record.offset) for record in chunk]
            return Chunk(moved, 2 * chunk.next)

    assert [await offset_at(Holes(), 0, START + at) for at in (-5, 0, 1, 10, 185, 190, 191)] == [0, 0, 1, 1, 37, 37, 39]
    items, _ = await walk(Holes(), since_ms=START + 150, limit=2)
    assert [item.offset for item in items] == [30, 32, 34, 36, 38]


async def test_an_empty_journal_has_no_events():
    log = MemoryEventLog()
    await log.create_topic(JOURNAL, 1)

    assert await walk(log, since_ms=5) == ([], 1)
