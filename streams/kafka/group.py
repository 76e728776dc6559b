"""Whose input positions a transaction moves: a member of a consumer group, in one of the group's generations."""

from typing import Final

import msgspec

NO_GENERATION: Final = -1
"""For who is no member of the group: the brokers then don't ask whether it still is."""


class Membership(msgspec.Struct, frozen=True, array_like=True):
    """What the brokers compare with what they know; a member that they have expelled can't move positions."""

    group: str
    generation: int = NO_GENERATION
    member: str = ""


def group_metadata(group: str, generation: int = NO_GENERATION, member: str = "") -> bytes:
    """A membership as the port `PartitionWriter` takes it."""
    return msgspec.msgpack.encode(Membership(group, generation, member))


def membership_of(metadata: bytes) -> Membership:
    """The membership that `group_metadata` made these bytes of."""
    return msgspec.msgpack.decode(metadata, type=Membership)
