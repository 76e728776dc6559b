"""Who owns which partition, and who follows it: a group's members share partitions so that they move only when warm.

Pure: the leader of the group calls it with what each member reports, in each rebalance. See docs/adr/0018-handover.md.
"""

from collections import Counter
from collections.abc import Mapping

import msgspec


class Holding(msgspec.Struct, frozen=True):
    """What a member has when partitions are shared out."""

    owned: frozenset[int] = frozenset()
    """Partitions that it owned until now."""
    warm: frozenset[int] = frozenset()
    """Partitions of others whose journals it has folded: it could take them over at once."""


class Share(msgspec.Struct, frozen=True):
    """What a member gets."""

    owned: frozenset[int]
    standby: frozenset[int]
    """Partitions of others whose journals it is to follow."""
    awaited: frozenset[int]
    """Those of `standby` that it would own if it were warm: it says so, and they are shared out anew."""


def share_out(partitions: int, members: Mapping[str, Holding]) -> dict[str, Share]:
    """Every partition with one owner, and with one follower if there is anybody else.

    A partition leaves an owner who lives only for a member who is warm for it; one whose owner is gone goes to who is
    warm, if anybody is. Within that, everybody owns equally many: who is to get a partition for the sake of balance and
    is not warm yet follows it.
    """
    holders = {number: name for name in sorted(members, reverse=True) for number in members[name].owned}
    balanced = _balanced(partitions, members, holders)
    owners = _owners(balanced, members, holders)
    followers = _followers(owners, balanced, members)
    return {
        name: Share(
            owned=_numbers(owners, name),
            standby=_numbers(followers, name),
            awaited=_numbers(followers, name) & _numbers(balanced, name),
        )
        for name in members
    }


def _balanced(partitions: int, members: Mapping[str, Holding], holders: Mapping[int, str]) -> dict[int, str]:
    """Who would own what if everybody were warm: equally many, and as few moves as possible."""
    held = {name: [number for number in range(partitions) if holders.get(number) == name] for name in members}
    room = _rooms(partitions, {name: len(numbers) for name, numbers in held.items()})
    short = [name for name in members if len(held[name]) < room[name]]
    wanted = frozenset().union(*(members[name].warm for name in short))
    balanced: dict[int, str] = {}
    for name, numbers in held.items():
        kept = sorted(numbers, key=lambda number: (number in wanted, number))[: room[name]]
        balanced |= dict.fromkeys(kept, name)
        room[name] -= len(kept)
    for number in range(partitions):
        if number not in balanced:
            free = [name for name in members if room[name]]
            taker = min(free, key=lambda name: (number not in members[name].warm, -room[name], name))
            balanced[number] = taker
            room[taker] -= 1
    return balanced


def _rooms(partitions: int, held: Mapping[str, int]) -> dict[str, int]:
    """How many each may own; where they can't be equal, those who hold the most keep one more."""
    least, more = divmod(partitions, len(held))
    by_load = sorted(held, key=lambda name: (-held[name], name))
    return {name: least + (rank < more) for rank, name in enumerate(by_load)}


def _owners(balanced: Mapping[int, str], members: Mapping[str, Holding], holders: Mapping[int, str]) -> dict[int, str]:
    owners: dict[int, str] = {}
    for number, wanted in sorted(balanced.items()):
        warm = [name for name in members if number in members[name].warm]
        if wanted in warm or holders.get(number) == wanted:
            owners[number] = wanted
        elif number in holders:
            owners[number] = holders[number]
        elif warm:
            load = Counter(owners.values())
            owners[number] = min(warm, key=lambda name: (load[name], name))
        else:
            owners[number] = wanted
    return owners


def _followers(
    owners: Mapping[int, str], balanced: Mapping[int, str], members: Mapping[str, Holding]
) -> dict[int, str]:
    """Who is to own a partition follows it; else who follows it already, as long as each follows about as many, of each owner."""
    if len(members) == 1:
        return {}
    followers = {number: balanced[number] for number in owners if balanced[number] != owners[number]}
    load, pairs = Counter(followers.values()), Counter((owners[number], name) for number, name in followers.items())
    owned = Counter(owners.values())
    fair = -(-len(owners) // len(members))

    def follow(number: int, name: str) -> None:
        followers[number] = name
        load[name] += 1
        pairs[owners[number], name] += 1

    for number, owner in sorted(owners.items()):
        fair_of_owner = -(-owned[owner] // (len(members) - 1))
        fitting = [
            name
            for name in sorted(members)
            if name != owner
            and number in members[name].warm
            and load[name] < fair
            and pairs[owner, name] < fair_of_owner
        ]
        if number not in followers and fitting:
            follow(number, fitting[0])
    for number, owner in sorted(owners.items()):
        if number not in followers:
            others = [name for name in members if name != owner]
            follow(number, min(others, key=lambda name: (pairs[owner, name], load[name], name)))
    return followers


def _numbers(members: Mapping[int, str], name: str) -> frozenset[int]:
    return frozenset(number for number, member in members.items() if member == name)
