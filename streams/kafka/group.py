"""Whose input positions a transaction moves: the consumer group's metadata as librdkafka takes it."""

import struct
from typing import Final

NO_GENERATION: Final = -1
"""For who is no member of the group: the brokers then don't ask whether it still is."""


def group_metadata(group: str, generation: int = NO_GENERATION, member: str = "") -> bytes:
    """What `Consumer.consumer_group_metadata` would give for a member that another client library speaks for.

    The layout is librdkafka's `rd_kafka_consumer_group_metadata_write`: a magic, the generation, group and member ended
    by NUL, and whether there is a static instance id.
    """
    without_instance_id = b"\x01"
    return (
        b"CGMDv2:"
        + struct.pack("<i", generation)
        + group.encode()
        + b"\0"
        + member.encode()
        + b"\0"
        + without_instance_id
    )
