"""Who owns and who follows which partition: partitions move only to who is warm for them, and end up in balance."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from streams.shares import Holding, Share, share_out

PARTITIONS = 12
numbers = st.frozensets(st.integers(0, PARTITIONS - 1))
groups = st.dictionaries(st.sampled_from("abcdef"), st.builds(Holding, numbers, numbers), min_size=1)


def held(owned: str = "", warm: str = "") -> Holding:
    return Holding(frozenset(map(int, owned.split())), frozenset(map(int, warm.split())))


def warmed_up(shares: Mapping[str, Share]) -> dict[str, Holding]:
    """What the members report when each has followed what it was given for a while."""
    return {name: Holding(share.owned, share.standby) for name, share in shares.items()}


def settled(partitions: int, members: Mapping[str, Holding]) -> dict[str, Share]:
    """After everybody has warmed up, and said so, until nothing is awaited any more."""
    for _ in range(partitions):
        shares = share_out(partitions, members)
        if not any(share.awaited for share in shares.values()):
            return shares
        members = warmed_up(shares)
    raise AssertionError("the group does not come to rest")


def test_who_is_alone_owns_all_and_follows_nothing():
    assert share_out(4, {"a": held()}) == {"a": Share(frozenset(range(4)), frozenset(), frozenset())}


def test_new_members_share_equally_and_follow_each_other():
    shares = share_out(4, {"a": held(), "b": held()})

    assert [sorted(shares[name].owned) for name in "ab"] == [[0, 2], [1, 3]]
    assert [sorted(shares[name].standby) for name in "ab"] == [[1, 3], [0, 2]]


def test_who_joins_with_nothing_gets_nothing_yet_and_follows_what_it_is_to_own():
    shares = share_out(4, {"a": held("0 1 2 3"), "b": held()})

    assert sorted(shares["a"].owned) == [0, 1, 2, 3]
    assert sorted(shares["b"].awaited) == [2, 3]
    assert sorted(shares["b"].standby) == [0, 1, 2, 3]


def test_who_became_warm_gets_what_it_waited_for_and_the_old_owner_follows_it():
    shares = share_out(4, {"a": held("0 1 2 3"), "b": held(warm="1 3")})

    assert [sorted(shares[name].owned) for name in "ab"] == [[0, 2], [1, 3]]
    assert [sorted(shares[name].standby) for name in "ab"] == [[1, 3], [0, 2]]
    assert not shares["b"].awaited


def test_what_nobody_owns_goes_to_who_is_warm_even_if_that_one_has_enough():
    shares = share_out(4, {"a": held("0 1", warm="2 3"), "b": held()})

    assert sorted(shares["a"].owned) == [0, 1, 2, 3]
    assert sorted(shares["b"].awaited) == [2, 3]


def test_what_nobody_owns_and_nobody_is_warm_for_is_owned_at_once_all_the_same():
    shares = share_out(4, {"a": held("0 1"), "b": held()})

    assert sorted(shares["b"].owned) == [2, 3]


@given(groups)
def test_every_partition_has_one_owner_and_one_follower_who_is_another(members):
    shares = share_out(PARTITIONS, members)

    assert sorted(number for share in shares.values() for number in share.owned) == list(range(PARTITIONS))
    followed = sorted(number for share in shares.values() for number in share.standby)
    assert followed == (list(range(PARTITIONS)) if len(members) > 1 else [])
    assert not any(share.owned & share.standby for share in shares.values())
    assert all(share.awaited <= share.standby for share in shares.values())


@given(groups)
def test_a_partition_moves_only_to_who_is_warm_as_long_as_it_has_an_owner_or_anybody_is_warm(members):
    shares = share_out(PARTITIONS, members)
    owned, warm = (
        frozenset().union(*sets) for sets in zip(*((m.owned, m.warm) for m in members.values()), strict=True)
    )

    for name, share in shares.items():
        moved = share.owned - members[name].owned - members[name].warm
        assert not moved & (owned | warm)


@given(groups)
def test_a_group_comes_to_rest_in_balance(members):
    shares = settled(PARTITIONS, members)
    at_rest = warmed_up(shares)

    counts = [len(share.owned) for share in shares.values()]
    assert max(counts) - min(counts) <= 1
    assert {name: share.owned for name, share in share_out(PARTITIONS, at_rest).items()} == {
        name: share.owned for name, share in shares.items()
    }


@given(groups, st.data())
def test_whoever_leaves_a_group_at_rest_is_followed_by_members_who_are_warm(members, data):
    at_rest = warmed_up(settled(PARTITIONS, members))
    gone = data.draw(st.sampled_from(sorted(at_rest)))
    left = {name: holding for name, holding in at_rest.items() if name != gone}
    if not left:
        return

    for name, share in share_out(PARTITIONS, left).items():
        assert left[name].owned <= share.owned
        assert share.owned - left[name].owned <= left[name].warm


@given(groups)
def test_it_does_not_matter_in_which_order_members_are_named(members):
    assert share_out(PARTITIONS, members) == share_out(PARTITIONS, dict(reversed(members.items())))
