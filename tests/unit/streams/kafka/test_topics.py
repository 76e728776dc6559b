"""What is said of a topic on the cluster, and how it is mended."""

import pytest

from schemas.topics import CONTACT_EVENTS, JOURNAL
from streams.kafka.admin import TopicInfo
from streams.kafka.settings import KafkaSettings
from streams.kafka.topics import config_of, judged, topic_specs

THREE = KafkaSettings(bootstrap="kafka:9092", partitions=8, replication_factor=3)
SPECS = {spec.name: spec for spec in topic_specs(THREE)}


def found(name, *, settings=THREE, partitions=8, replicas=3, **config):
    info = TopicInfo(name, "id", partitions, replicas, ready=True)
    changed = {key.replace("_", "."): value for key, value in config.items()}
    return judged(SPECS[name], settings, info, config_of(SPECS[name], THREE) | changed)


@pytest.mark.parametrize("name", SPECS)
def test_a_topic_that_is_as_it_is_made_is_ok(name):
    (finding,) = found(name, partitions=SPECS[name].partitions)

    assert (finding.status, finding.mend) == ("ok", "")


def test_fewer_replicas_than_are_asked_for_are_a_mismatch():
    (finding,) = found(JOURNAL, replicas=1)

    assert finding.is_bad
    assert finding.found == "expected at least 3 replicas, found 1"
    assert "kafka-reassign-partitions.sh" in finding.mend
    assert "HEADRACE_KAFKA_REPLICATION_FACTOR=1" in finding.mend


def test_more_replicas_or_none_asked_for_are_no_mismatch():
    unasked = KafkaSettings(bootstrap="kafka:9092", partitions=8)

    assert [finding.status for finding in found(JOURNAL, replicas=5)] == ["ok"]
    assert [finding.status for finding in found(JOURNAL, replicas=1, settings=unasked)] == ["ok"]


def test_fewer_replicas_in_sync_than_are_asked_for_are_a_mismatch():
    (finding,) = found(JOURNAL, min_insync_replicas="1")

    assert finding.found == "expected min.insync.replicas at least 2, found 1"
    assert finding.mend.endswith("--topic headrace.journal --add-config min.insync.replicas=2")


def test_a_journal_that_forgets_is_a_mismatch():
    assert [finding.found for finding in found(JOURNAL, retention_ms="604800000", cleanup_policy="compact")] == [
        "expected cleanup.policy delete, found compact",
        "expected retention.ms -1, found 604800000",
    ]


def test_of_the_crms_topic_nothing_is_judged_but_its_partitions():
    (finding,) = found(CONTACT_EVENTS, replicas=1, retention_ms="3600000", max_message_bytes="1000")
    assert finding.status == "ok"

    (finding,) = found(CONTACT_EVENTS, partitions=6)
    assert finding.is_bad


def test_where_producers_say_when_a_record_was_written_a_warning_tells_what_may_come_of_it():
    (finding,) = found(CONTACT_EVENTS, message_timestamp_type="CreateTime")

    assert (finding.status, finding.is_bad) == ("warning", False)
    assert "CreateTime" in finding.found
    assert finding.mend.endswith("--topic contact-events --add-config message.timestamp.type=LogAppendTime")

    (finding,) = found(JOURNAL, message_timestamp_type="CreateTime")
    assert finding.is_bad
