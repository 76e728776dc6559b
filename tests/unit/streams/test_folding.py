"""Folding a long journal while partitions come and go: it holds up no other partition, and never begins anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas.topics import COMMANDS, CONTACT_EVENTS, JOURNAL
from streams import opening
from streams.batch import Batch
from tests.support.told_engine import LONG, Host, SlowLog, eventually, fact

SHORT = 1
FACTS = 60
CHUNK = 10


@pytest.fixture
async def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowLog:
    """The long partition's journal has many events; whoever folds it next does so in small pieces."""
    log = await SlowLog.with_topics()
    first = Host(log, tmp_path / "first")
    await first.is_given(LONG, SHORT)
    await eventually(lambda: first.engine.owned.all_open, "the first engine to open")
    await log.append([fact(number) for number in range(FACTS)])
    records = log.topics[CONTACT_EVENTS][LONG]
    await first.engine.take_input(Batch(CONTACT_EVENTS, LONG, 0, tuple(records), len(records)))
    await eventually(lambda: len(log.topics[JOURNAL][LONG]) >= FACTS, "the facts to be journaled")
    await first.stop()
    monkeypatch.setattr(opening, "_READ_LIMIT", CHUNK)
    log.read_from.clear()
    return log


def positions(host: Host, partition: int) -> Mapping[str, int | None]:
    return {topic: host.engine.start_position(topic, partition) for topic in (CONTACT_EVENTS, COMMANDS)}


async def test_a_partition_with_a_long_journal_holds_up_neither_the_rebalance_nor_another_partition(log, tmp_path):
    log.stands_still_at = 3 * CHUNK
    host = Host(log, tmp_path / "second")

    await host.is_given(LONG, SHORT)
    await eventually(lambda: (CONTACT_EVENTS, SHORT) in host.sought, "the short partition to be read")

    assert positions(host, SHORT) == {CONTACT_EVENTS: 0, COMMANDS: 0}
    assert positions(host, LONG) == {CONTACT_EVENTS: None, COMMANDS: None}
    assert not host.engine.owned.all_open

    log.go_on.set()
    await eventually(lambda: (CONTACT_EVENTS, LONG) in host.sought, "the long partition to be read")
    assert host.sought[CONTACT_EVENTS, LONG] == FACTS
    assert host.crashes == []
    await host.stop()


async def test_a_fold_goes_on_through_rebalances_in_which_its_partition_is_kept(log, tmp_path):
    log.stands_still_at = 3 * CHUNK
    host = Host(log, tmp_path / "second")
    await host.is_given(LONG, SHORT)
    await eventually(lambda: log.read_from[-1:] == [2 * CHUNK], "the fold to get so far")

    await host.is_given(LONG)
    await host.is_given(LONG, SHORT)
    log.go_on.set()
    await eventually(lambda: host.engine.owned.all_open, "all to be folded")

    assert log.read_from == sorted(set(log.read_from)), "every part of the journal was read once"
    assert host.crashes == []
    await host.stop()


async def test_a_fold_that_is_cut_short_goes_on_where_it_was_when_its_partition_comes_back(log, tmp_path):
    log.stands_still_at = 3 * CHUNK
    host = Host(log, tmp_path / "second")
    await host.is_given(LONG)
    await eventually(lambda: log.read_from[-1:] == [2 * CHUNK], "the fold to get so far")

    await host.is_given()
    assert host.engine.actors == {}
    log.read_from.clear()
    log.go_on.set()
    await host.is_given(LONG)
    await eventually(lambda: host.engine.owned.all_open, "all to be folded")

    assert log.read_from[0] == 3 * CHUNK - 1, "the last event that was folded is compared with the journal's"
    assert log.read_from[1] == 3 * CHUNK
    assert host.sought[CONTACT_EVENTS, LONG] == FACTS
    assert host.crashes == []
    await host.stop()
