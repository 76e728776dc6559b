"""The Faust app on Kafka: the same agents, their partitions given and taken by the consumer group."""

from schemas.event_log import EventLog
from streams.delivery import Delivery
from streams.faust_app import HeadraceApp, quiet
from streams.kafka.assignor import Assignor
from streams.kafka.group_member import GroupMember
from streams.kafka.settings import KafkaSettings
from streams.kafka.transport import KafkaTransport
from streams.ownership import Ownership
from streams.partition_settings import GROUP


def build_kafka_app(
    *,
    log: EventLog,
    settings: KafkaSettings,
    member: GroupMember,
    delivery: Delivery,
    ownership: Ownership,
    group: str = GROUP,
) -> HeadraceApp:
    """An app that joins the engine's group, and tells `ownership` of each rebalance.

    Register its agents, then run it by a `FaustHost`; its start returns when the first assignment is taken over.
    """
    quiet("faust", "mode", "aiokafka")
    app = HeadraceApp(
        group,
        log=log,
        delivery=delivery,
        transport=lambda app: KafkaTransport(app, settings, member, delivery, ownership, app.fail),
        isolated_partitions=False,
        broker="kafka://configured-elsewhere",
        broker_session_timeout=member.session_timeout_ms / 1000,
        broker_request_timeout=member.request_timeout_ms / 1000,
        broker_rebalance_timeout=member.rebalance_timeout_ms / 1000,
        PartitionAssignor=lambda app, replicas: Assignor(
            app, replicas, by_contact=ownership.topics.inputs, warm=lambda: ownership.warm
        ),
        table_standby_replicas=1,  # with 0 Faust asks another assignor, which does not keep partitions together
    )

    async def complete(*_: object, **__: object) -> None:
        await ownership.on_complete()

    app.on_rebalance_complete.connect(complete)
    return app
