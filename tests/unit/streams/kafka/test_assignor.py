"""The group's assignor: what members say of themselves becomes shares, and each learns its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from streams.kafka.assignor import Assignor

INPUTS = ("contact-events", "headrace.commands")
CATALOGUE = "headrace.definition-commands"
SUBSCRIPTION = {*INPUTS, CATALOGUE}
PARTITIONS = 4


class Cluster:
    """What aiokafka knows of the topics."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0} if topic == CATALOGUE else set(range(PARTITIONS))


class Group:
    """Members, their assignors, and what the last assignment gave to each."""

    def __init__(self) -> None:
        self.warm: dict[str, frozenset[int]] = {}
        self.members: dict[str, Assignor] = {}

    def joins(self, name: str) -> Assignor:
        self.warm[name] = frozenset()
        app = SimpleNamespace(tables=None)
        self.members[name] = Assignor(app, 1, by_contact=INPUTS, warm=lambda: self.warm[name])
        return self.members[name]

    def rebalances(self) -> dict[str, dict[str, list[int]]]:
        """A round: everybody says what it has, the first member assigns, everybody is told. By member and topic."""
        said = {name: member.metadata(SUBSCRIPTION) for name, member in self.members.items()}
        leader = next(iter(self.members.values()))
        told = leader.assign(Cluster(), said)
        for name, member in self.members.items():
            member.on_assignment(told[name])
        return {name: dict(one.assignment) for name, one in told.items()}


@pytest.fixture
def group() -> Group:
    group = Group()
    group.joins("a")
    group.rebalances()
    return group


def test_the_first_member_owns_all_inputs_and_the_catalogue(group):
    assert group.rebalances() == {"a": {INPUTS[0]: [0, 1, 2, 3], INPUTS[1]: [0, 1, 2, 3], CATALOGUE: [0]}}
    assert group.members["a"].standby == frozenset()


def test_a_new_member_follows_until_it_is_warm_and_gets_the_same_partitions_of_every_input(group):
    b = group.joins("b")
    assert group.rebalances()["b"] == {INPUTS[0]: [], INPUTS[1]: [], CATALOGUE: []}
    assert b.awaited == {2, 3}

    group.warm["b"] = b.standby
    given = group.rebalances()
    assert given["b"] == {INPUTS[0]: [2, 3], INPUTS[1]: [2, 3], CATALOGUE: []}
    assert given["a"] == {INPUTS[0]: [0, 1], INPUTS[1]: [0, 1], CATALOGUE: [0]}
    assert b.awaited == frozenset()
    assert group.members["a"].standby == {2, 3}


def test_what_a_member_leaves_goes_to_who_followed_it_and_the_catalogue_to_anybody(group):
    b = group.joins("b")
    group.rebalances()
    group.warm["b"] = b.standby
    group.rebalances()
    group.warm["b"] = b.standby
    del group.members["a"]

    assert group.rebalances() == {"b": {INPUTS[0]: [0, 1, 2, 3], INPUTS[1]: [0, 1, 2, 3], CATALOGUE: [0]}}
