"""What every role on Kafka begins with: the log, its topics as they must be, and nothing started when they are not."""

import contextlib
from collections.abc import AsyncIterator

import structlog

from headrace.kafka_settings import kafka_settings
from headrace.role import need_kafka
from headrace.settings import Settings
from schemas.event_log_errors import TopicMismatch
from schemas.topics import JOURNAL, Topics
from streams.kafka.admin import KafkaAdmin
from streams.kafka.log import KafkaEventLog
from streams.kafka.settings import KafkaSettings
from streams.kafka.topics import check_topics, topic_specs

_log = structlog.get_logger(__name__)


def kafka_of(settings: Settings) -> KafkaSettings:
    """How the cluster is reached.

    Raises:
        NeedsKafka: HEADRACE_KAFKA is not set.
        OnlyInDev: engine time is to run faster than the clock.
    """
    need_kafka(settings)
    return kafka_settings(settings)


@contextlib.asynccontextmanager
async def kafka_log(kafka: KafkaSettings, topics: Topics) -> AsyncIterator[KafkaEventLog]:
    """The log on the cluster, when all its topics are as they must be.

    Raises:
        KafkaUnreachable: no broker answers.
        TopicMismatch: topics are missing, or not as they must be; the message says what to do.
    """
    await _check(kafka, topics)
    log = await KafkaEventLog.open(kafka)
    try:
        yield log
    finally:
        await log.close()


async def partitions_of(log: KafkaEventLog) -> int:
    """P: how many partitions the topics have that are keyed by contact."""
    return await log.partitions(JOURNAL)


async def _check(kafka: KafkaSettings, topics: Topics) -> None:
    findings = await check_topics(KafkaAdmin(kafka), kafka, topic_specs(kafka, topics))
    for finding in findings:
        if finding.status == "warning":
            _log.warning("topic.doubtful", topic=finding.topic, found=finding.found, mend=finding.mend)
    bad = [finding for finding in findings if finding.is_bad]
    if bad:
        lines = [f"  {found.topic}: {found.found}: {found.mend}" for found in bad]
        raise TopicMismatch("\n".join(["the topics are not as Headrace needs them (`headrace topics check`):", *lines]))
