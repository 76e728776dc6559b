"""The protocol's request that moves positions in a transaction, with the member for whom: aiokafka has only the one without."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

from streams.kafka.group import Membership

_KEY, _VERSION = 28, 3
_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
_NO_TAGS: dict[int, bytes] = {}


class _Answer(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = _KEY, _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", _TEXT),
                ("partitions", CompactArray(("partition", Int32), ("error_code", Int16), _TAGS)),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _Struct(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION = _KEY, _VERSION
    RESPONSE_TYPE = _Answer
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("transactional_id", _TEXT),
        ("group_id", _TEXT),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("generation_id", Int32),
        ("member_id", _TEXT),
        ("group_instance_id", _TEXT),
        (
            "topics",
            CompactArray(
                ("topic", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _TEXT),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class TxnOffsetCommitRequest:
    """Version 3 (Kafka 2.5), whatever later ones the broker has: the brokers check generation and member since then."""

    API_KEY = _KEY

    def __init__(
        self,
        transactional_id: str,
        producer_id: int,
        producer_epoch: int,
        member: Membership,
        topics: Sequence[tuple[str, Sequence[tuple[int, int]]]],
    ) -> None:
        """Make one; `topics` are the next offsets of partitions, by topic."""
        no_epoch = -1
        self._fields = (
            transactional_id,
            member.group,
            producer_id,
            producer_epoch,
            member.generation,
            member.member,
            None,
            [
                (topic, [(number, offset, no_epoch, "", _NO_TAGS) for number, offset in partitions], _NO_TAGS)
                for topic, partitions in topics
            ],
            _NO_TAGS,
        )

    def prepare(self, _versions: Mapping[int, tuple[int, int]]) -> Any:
        """What aiokafka sends."""
        return _Struct(*self._fields)
