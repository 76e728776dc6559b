"""A look at the topics on the cluster that the settings name: `headrace topics` and `headrace doctor` share it."""

from collections.abc import Sequence

from headrace.kafka_settings import kafka_settings
from headrace.settings import Settings
from schemas.topics import Topics
from streams.kafka.admin import KafkaAdmin
from streams.kafka.topics import Finding, check_topics, create_topics, topic_specs


async def look_at_topics(options: Settings, *, make: bool) -> Sequence[Finding]:
    """What is found of each topic; with `make`, those that are missing are made first.

    Raises:
        SettingsError: HEADRACE_KAFKA is not set.
        KafkaUnreachable: no broker answers.
    """
    settings = kafka_settings(options)
    admin = KafkaAdmin(settings)
    await admin.cluster_id()
    specs = topic_specs(settings, Topics(contact_events=options.contact_events_topic))
    return await (create_topics if make else check_topics)(admin, settings, specs)
