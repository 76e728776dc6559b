"""The verifier's parts: sums that know no order, two ordered streams side by side, a fold that needs little memory."""

import random
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import journal as j
from domain.errors import JournalGap
from projections.errors import UnreadableRecord
from projections.verify import fold
from projections.verify.digest import add, exchange, from_bytes, to_bytes
from projections.verify.fold import PartitionFold, refold
from projections.verify.ledger import Ledger, Origin
from projections.verify.merge import unlike
from projections.verify.report import NAMED
from schemas.event_log import NewRecord
from schemas.topics import JOURNAL
from tests.support.journals import make_topics, records
from tests.support.memory_log import MemoryEventLog
from tests.support.random_lives import named, random_life

HERE = Origin("memory", "journal")
DIGESTS = st.lists(st.integers(0, 2**128 - 1))


@given(DIGESTS, st.randoms())
def test_a_sum_of_digests_knows_no_order_and_any_of_them_can_be_exchanged(digests, chance):
    shuffled = chance.sample(digests, len(digests))
    assert add(digests) == add([add(shuffled[:2]), *shuffled[2:]])
    if digests:
        old, *rest = digests
        assert exchange(add(digests), old, 7) == add([7, *rest])
    assert from_bytes(to_bytes(add(digests))) == add(digests)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1)), st.dictionaries(st.text(max_size=3), st.integers(0, 1)))
def test_streams_side_by_side_give_every_contact_that_is_not_the_same_in_both(expected, found):
    def in_order(contacts):
        return sorted(contacts.items(), key=lambda item: item[0].encode())

    count, some = unlike(in_order(expected), ((id_, value, f"row {id_}") for id_, value in in_order(found)))
    wanted = {id_ for id_ in expected.keys() | found.keys() if expected.get(id_) != found.get(id_)}
    assert count == len(wanted)
    assert len(some) == min(count, NAMED)
    assert all(what == (f"row {id_}" if id_ in found else None) for id_, what in some.items())
    assert some.keys() <= wanted


# ---------------------------------------------------------------- the fold


@pytest.fixture
async def log():
    """Ten lives, event by event in turns."""
    log = MemoryEventLog()
    await make_topics(log, 1)
    chance = random.Random(1)
    lives = [named(random_life(seed, 20).journal, f"contact-{seed}") for seed in range(10)]
    while any(lives):
        await log.append(records(0, [chance.choice([life for life in lives if life]).pop(0)]))
    return log


async def folded(log, path, *offsets):
    with Ledger(path, HERE) as ledger:
        for offset in offsets:
            await PartitionFold(log, 0, ledger).advance(offset)
            ledger.commit()
        return ledger.stand, list(ledger.shown_digests()), list(ledger.kept_digests())


async def test_a_fold_gives_the_same_however_few_contacts_fit_in_memory_and_wherever_it_stops(
    log, tmp_path, monkeypatch
):
    end = await log.end_offset(JOURNAL, 0)
    whole = await folded(log, tmp_path / "whole.sqlite", end)
    assert (whole[0].events, whole[0].contacts) == (end, 10)
    monkeypatch.setattr(fold, "_IN_MEMORY", 2)
    monkeypatch.setattr(fold, "_READ", 7)
    assert await folded(log, tmp_path / "little.sqlite", end) == whole
    assert await folded(log, tmp_path / "steps.sqlite", *range(0, end, 13), end) == whole


async def test_the_sums_of_a_ledger_are_those_of_its_contacts(log, tmp_path):
    stand, shown, kept = await folded(log, tmp_path / "ledger.sqlite", 50, 200)
    assert from_bytes(stand.shown) == add(value for _, value in shown)
    assert from_bytes(stand.kept) == add(value for _, value in kept)
    one = (await refold(log, 0, 200, frozenset({"contact-3"})))["contact-3"]
    assert dict(shown)["contact-3"] == one.shown_digest()


async def test_what_was_not_committed_is_forgotten_and_another_journals_ledger_is_begun_anew(log, tmp_path):
    path = tmp_path / "ledger.sqlite"
    await folded(log, path, 20)
    with Ledger(path, HERE) as ledger:
        await PartitionFold(log, 0, ledger).advance(90)
    with Ledger(path, HERE) as ledger:
        assert ledger.stand.offset == 20
    with Ledger(path, Origin("memory", "other")) as ledger:
        assert ledger.stand.offset == 0
    path.write_bytes(b"something else")
    with Ledger(path, HERE) as ledger:
        assert ledger.stand.offset == 0


async def test_a_ledger_with_other_columns_is_begun_anew(log, tmp_path):
    path = tmp_path / "ledger.sqlite"
    whole = await folded(log, path, 20)
    with sqlite3.connect(path) as older:
        older.execute("ALTER TABLE contacts DROP COLUMN row_seq")
    older.close()

    with Ledger(path, HERE) as ledger:
        assert ledger.stand.offset == 0
    assert await folded(log, path, 20) == whole


async def test_a_journal_that_can_not_be_folded_is_named(log, tmp_path):
    end = await log.end_offset(JOURNAL, 0)
    gap = j.EnrollmentCompleted(seq=99, at_ms=1, contact_id="nobody", enrollment_id="e")
    await log.append(records(0, [gap]))
    await log.append([NewRecord(topic=JOURNAL, partition=0, key=b"x", value=b"{")])
    with Ledger(tmp_path / "ledger.sqlite", HERE) as ledger:
        with pytest.raises(UnreadableRecord, match=f"partition 0, offset {end}: expected event 1"):
            await PartitionFold(log, 0, ledger).advance(end + 1)
        with pytest.raises(UnreadableRecord, match=f"partition 0, offset {end + 1}: expected a journal event"):
            await PartitionFold(log, 0, ledger).advance(end + 2)
    with Ledger(tmp_path / "ledger.sqlite", HERE) as ledger:
        await PartitionFold(log, 0, ledger).advance(end)
        again = j.ContactEventAccepted(
            seq=1, at_ms=1, contact_id="contact-3", source="crm", event_id="1", event_type="x"
        )
        log.topics[JOURNAL][0][end:] = []
        await log.append(records(0, [again]))
        with pytest.raises(JournalGap, match="twice"):
            await PartitionFold(log, 0, ledger).advance(end + 1)
        with pytest.raises(UnreadableRecord, match=f"ends at {end + 1}, expected {end + 5}"):
            await PartitionFold(log, 0, ledger).advance(end + 5)
