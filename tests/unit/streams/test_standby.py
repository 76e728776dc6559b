"""Warm standbys: the journals of partitions that others own are folded as they grow, and given to who owns them next."""

from __future__ import annotations

import pytest

from schemas.topics import CONTACT_EVENTS, JOURNAL, Topics
from streams.batch import Batch
from streams.ownership import Ownership
from streams.partition_settings import PartitionSettings
from streams.standby import Standbys
from tests.support.told_engine import LONG, Host, SlowLog, eventually, fact

FOLLOWED, OTHER = LONG, 1


@pytest.fixture
async def log() -> SlowLog:
    return await SlowLog.with_topics()


@pytest.fixture
async def owner(log, tmp_path):
    """Owns both partitions."""
    owner = Host(log, tmp_path / "owner")
    await owner.is_given(FOLLOWED, OTHER)
    await eventually(lambda: owner.engine.owned.all_open, "the owner to open")
    yield owner
    await owner.stop()


@pytest.fixture
async def follower(log, tmp_path):
    """Owns nothing yet."""
    follower = Host(log, tmp_path / "follower")
    yield follower
    await follower.stop()
    assert follower.crashes == []


async def journaled(log: SlowLog, owner: Host, count: int, *, since: int = 0) -> None:
    """So many more facts are in the followed partition's journal."""
    await log.append([fact(number) for number in range(since, since + count)])
    records = log.topics[CONTACT_EVENTS][FOLLOWED]
    await owner.engine.take_input(Batch(CONTACT_EVENTS, FOLLOWED, 0, tuple(records), len(records)))
    await eventually(lambda: len(log.topics[JOURNAL][FOLLOWED]) >= since + count, "the facts to be journaled")


def end(log: SlowLog) -> int:
    return len(log.topics[JOURNAL][FOLLOWED])


async def test_what_is_followed_is_warm_and_grows_with_its_journal(log, owner, follower):
    await journaled(log, owner, 20)
    await follower.is_given(standby=(FOLLOWED,))
    await eventually(lambda: follower.engine.owned.standbys.warm == {FOLLOWED}, "it to be warm")

    await journaled(log, owner, 20, since=20)
    await eventually(lambda: follower.engine.owned.standbys.reflected == {FOLLOWED: end(log)}, "it to keep up")


async def test_who_is_given_what_it_followed_folds_only_what_it_lacks(log, owner, follower):
    await journaled(log, owner, 20)
    await follower.is_given(standby=(FOLLOWED,))
    await eventually(lambda: follower.engine.owned.standbys.reflected == {FOLLOWED: end(log)}, "it to be folded")

    before = end(log)
    log.read_from.clear()
    await follower.is_given(FOLLOWED)
    await eventually(lambda: (CONTACT_EVENTS, FOLLOWED) in follower.sought, "its inputs to be read")

    assert [offset for offset in log.read_from if offset < before] == []
    assert follower.sought[CONTACT_EVENTS, FOLLOWED] == 20
    assert follower.engine.owned.standbys.warm == frozenset()


async def test_who_gave_a_partition_up_follows_it_without_opening_its_store_anew(log, owner, follower):
    await journaled(log, owner, 20)
    log.read_from.clear()
    await owner.is_given(OTHER, standby=(FOLLOWED,))
    await eventually(lambda: owner.engine.owned.standbys.warm == {FOLLOWED}, "the old owner to be warm")

    assert log.read_from == [] or min(log.read_from) >= end(log)
    await follower.is_given(FOLLOWED)
    await eventually(lambda: follower.engine.owned.all_open, "the new owner to open")
    await journaled(log, follower, 5, since=20)
    await eventually(lambda: owner.engine.owned.standbys.reflected == {FOLLOWED: end(log)}, "the old owner to keep up")


async def test_what_is_followed_no_longer_is_closed_and_goes_on_from_there_when_it_comes_back(log, owner, follower):
    await journaled(log, owner, 20)
    await follower.is_given(standby=(FOLLOWED,))
    await eventually(lambda: follower.engine.owned.standbys.reflected == {FOLLOWED: end(log)}, "it to be folded")
    await follower.is_given()
    assert follower.engine.owned.standbys.reflected == {}
    assert follower.engine.owned.standbys.warm == frozenset()

    before = end(log)
    log.read_from.clear()
    await follower.is_given(standby=(FOLLOWED,))
    await eventually(lambda: follower.engine.owned.standbys.warm == {FOLLOWED}, "it to be warm again")
    assert [offset for offset in log.read_from if offset < before - 1] == []


async def test_a_journal_that_cannot_be_read_harms_nothing_that_is_owned_and_is_tried_again(
    log, owner, follower, monkeypatch
):
    monkeypatch.setattr("streams.standby._RETRY_S", 0.01)
    await journaled(log, owner, 20)
    await follower.is_given(OTHER)
    await eventually(lambda: follower.engine.owned.all_open, "the other partition to open")
    log.is_away = True
    await follower.is_given(OTHER, standby=(FOLLOWED,))
    await eventually(lambda: log.refused > 1, "it to be tried again")
    assert follower.engine.owned.standbys.warm == frozenset()

    log.is_away = False
    await eventually(lambda: follower.engine.owned.standbys.warm == {FOLLOWED}, "it to be warm after all")


class Work:
    """What goes on beside standbys, as the test wants it."""

    owns_any = True

    def __init__(self, matter: str | None = None) -> None:
        self.matter = matter
        self.asked = 0

    @property
    def unsettled(self) -> bool:
        self.asked += 1
        return self.matter == "unsettled"

    @property
    def behind(self) -> bool:
        return self.matter == "behind"


@pytest.mark.parametrize("matter", ["unsettled", "behind"])
async def test_what_is_owned_goes_first(log, owner, tmp_path, monkeypatch, matter):
    monkeypatch.setattr("streams.standby._PATIENCE_S", 1_000.0)
    await journaled(log, owner, 20)
    work = Work()
    standbys = Standbys(log, PartitionSettings(directory=tmp_path / "standby"), work)
    await standbys.follow([FOLLOWED])
    await eventually(lambda: standbys.reflected == {FOLLOWED: end(log)}, "it to be folded")

    work.matter, before, asked = matter, end(log), work.asked
    await journaled(log, owner, 20, since=20)
    await eventually(lambda: work.asked > asked + 3, "the follower to ask again and again")
    assert standbys.reflected == {FOLLOWED: before}

    work.matter = None
    await eventually(lambda: standbys.reflected.get(FOLLOWED) == end(log), "it to go on")
    await standbys.close()


async def test_who_stays_behind_leaves_standbys_a_little(log, owner, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.standby._PATIENCE_S", 0.01)
    await journaled(log, owner, 20)
    work = Work("behind")
    standbys = Standbys(log, PartitionSettings(directory=tmp_path / "standby"), work)
    await standbys.follow([FOLLOWED])
    await eventually(lambda: standbys.reflected == {FOLLOWED: end(log)}, "it to be folded all the same")
    await standbys.close()


class Group:
    """A consumer group that a member speaks with; it counts how often it is asked to share out anew."""

    def __init__(self, host: Host) -> None:
        self.ownership = Ownership(host.engine.owned, Topics())
        self.asked = 0
        self.ownership.ask_anew = self._ask

    def _ask(self) -> None:
        self.asked += 1

    async def gives(self, *owned: int, standby: frozenset[int] = frozenset(), awaited: frozenset[int]) -> None:
        assigned = [(topic, number) for topic in Topics().inputs for number in owned]
        await self.ownership.on_revoked(member_id="m")
        self.ownership.on_assigned(assigned, member_id="m", metadata=b"", standby=standby, awaited=awaited)
        await self.ownership.on_complete()


async def test_a_member_asks_once_for_what_it_awaits_when_it_is_warm_for_all_of_it(log, owner, follower):
    await journaled(log, owner, 20)
    group = Group(follower)
    await group.gives(standby=frozenset({FOLLOWED, OTHER}), awaited=frozenset({FOLLOWED}))
    assert not group.ownership.settled

    await eventually(lambda: group.asked, "the group to be asked")
    await eventually(lambda: group.ownership.warm == {FOLLOWED, OTHER}, "both to be warm")
    assert group.asked == 1

    await group.gives(FOLLOWED, standby=frozenset({OTHER}), awaited=frozenset())
    await eventually(lambda: group.ownership.settled, "the member to be settled")
    assert group.asked == 1


async def test_a_member_that_awaits_nothing_asks_for_nothing(log, owner, follower):
    group = Group(follower)
    await group.gives(standby=frozenset({FOLLOWED}), awaited=frozenset())
    await eventually(lambda: group.ownership.warm == {FOLLOWED}, "it to be warm")
    assert group.ownership.settled
    assert group.asked == 0
