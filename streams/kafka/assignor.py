"""The group's assignor: its leader shares partitions out by `streams.shares`, of what each member says it has."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment
from faust.assignor.partition_assignor import PartitionAssignor

from streams.shares import Holding, Share, share_out


class _Report(msgspec.Struct, frozen=True):
    """What a member says when it joins."""

    owned: dict[str, list[int]] = {}
    """Partitions by topic, as it was given them last."""
    warm: frozenset[int] = frozenset()

    def holding(self, topics: Iterable[str]) -> Holding:
        """What it has of the partitions that are keyed by contact: it owns those of which it has every input."""
        return Holding(frozenset.intersection(*(self._of(topic) for topic in topics)), self.warm)

    def holding_of(self, topic: str) -> Holding:
        """What it has of another topic, for which everybody is warm."""
        return Holding(self._of(topic), frozenset([0]))

    def _of(self, topic: str) -> frozenset[int]:
        return frozenset(self.owned.get(topic, ()))


class _Followed(msgspec.Struct, frozen=True):
    """What a member is told beside the partitions that it gets."""

    standby: frozenset[int] = frozenset()
    awaited: frozenset[int] = frozenset()


class Assignor(PartitionAssignor):  # type: ignore[misc]
    """In place of Faust's, which knows standbys, but gives partitions to who is cold when the standby has enough."""

    def __init__(
        self, app: Any, replicas: int = 0, *, by_contact: tuple[str, ...], warm: Callable[[], frozenset[int]]
    ) -> None:
        """Make it; Faust does.

        Args:
            app: Faust's.
            replicas: Faust's; there is always one follower.
            by_contact: the input topics whose partitions n belong together.
            warm: the partitions that this member could take over at once; asked in the consumer's thread.
        """
        super().__init__(app, replicas)
        self._by_contact, self._warm = by_contact, warm
        self.standby: frozenset[int] = frozenset()
        self.awaited: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """What members of one group must have in common."""
        return "headrace"

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this member says when it joins."""
        report = _Report(self._assignment.actives, self._warm())
        return ConsumerProtocolMemberMetadata(self.version, list(topics), msgspec.json.encode(report))

    def assign(
        self, cluster: ClusterMetadata, member_metadata: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """What each member gets; called where this member leads its group."""
        reports = {name: msgspec.json.decode(said.user_data, type=_Report) for name, said in member_metadata.items()}
        topics = {topic for said in member_metadata.values() for topic in said.subscription}
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        owned: dict[str, dict[str, list[int]]] = {name: {} for name in reports}
        members = {name: report.holding(self._by_contact) for name, report in reports.items()}
        shares = share_out(max(counts[topic] for topic in self._by_contact), members)
        for topic, count in counts.items():
            of_topic = shares
            if topic not in self._by_contact:
                of_topic = share_out(count, {name: report.holding_of(topic) for name, report in reports.items()})
            for name, share in of_topic.items():
                owned[name][topic] = sorted(number for number in share.owned if number < count)
        return {name: self._told(owned[name], shares[name]) for name in reports}

    def _told(self, owned: dict[str, list[int]], share: Share) -> ConsumerProtocolMemberAssignment:
        followed = _Followed(share.standby, share.awaited)
        return ConsumerProtocolMemberAssignment(self.version, sorted(owned.items()), msgspec.json.encode(followed))

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Learn what this member was given."""
        followed = msgspec.json.decode(assignment.user_data, type=_Followed)
        self.standby, self.awaited = followed.standby, followed.awaited
        self._assignment = ClientAssignment(actives=dict(assignment.assignment), standbys={})
        self._active_tps = self._assignment.active_tps
