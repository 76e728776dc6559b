"""The topics on a cluster: how each must be, making what is missing, and saying what is wrong and how to mend it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from confluent_kafka.admin import ConfigResource

from schemas import topics as names
from schemas.topics import Topics
from streams.kafka.admin import KafkaAdmin, TopicInfo
from streams.kafka.settings import INPUT_MAX_BYTES, JOURNAL_MAX_BYTES, KafkaSettings

FOR_EVER: Final = -1
SEVEN_DAYS_MS: Final = 7 * 86_400_000
_BROKERS_CLOCK: Final = "LogAppendTime"

Status = Literal["ok", "created", "missing", "mismatch", "warning"]


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a topic must be."""

    name: str
    partitions: int
    retention_ms: int
    max_message_bytes: int = INPUT_MAX_BYTES
    ours: bool = True
    """Whether Headrace keeps its settings; of the CRM's own topic the partitions are judged, and whose clock it goes by."""


class Finding(msgspec.Struct, frozen=True):
    """What was found about a topic, and what to do."""

    topic: str
    status: Status
    found: str
    mend: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether Headrace must not start so."""
        return self.status in ("missing", "mismatch")


def topic_specs(settings: KafkaSettings, topics: Topics = Topics()) -> list[TopicSpec]:  # noqa: B008 frozen
    """Every topic of an installation."""
    partitions = settings.partitions
    return [
        TopicSpec(name=topics.contact_events, partitions=partitions, retention_ms=SEVEN_DAYS_MS, ours=False),
        TopicSpec(name=names.COMMANDS, partitions=partitions, retention_ms=SEVEN_DAYS_MS),
        TopicSpec(
            name=names.JOURNAL, partitions=partitions, retention_ms=FOR_EVER, max_message_bytes=JOURNAL_MAX_BYTES
        ),
        TopicSpec(name=topics.contact_changes, partitions=partitions, retention_ms=SEVEN_DAYS_MS),
        TopicSpec(
            name=names.DEFINITION_COMMANDS, partitions=1, retention_ms=FOR_EVER, max_message_bytes=JOURNAL_MAX_BYTES
        ),
        TopicSpec(name=names.DEFINITIONS, partitions=1, retention_ms=FOR_EVER, max_message_bytes=JOURNAL_MAX_BYTES),
        TopicSpec(name=names.CLOCK, partitions=1, retention_ms=SEVEN_DAYS_MS),
        TopicSpec(
            name=names.DEAD_LETTERS, partitions=partitions, retention_ms=FOR_EVER, max_message_bytes=JOURNAL_MAX_BYTES
        ),
    ]


def config_of(spec: TopicSpec, settings: KafkaSettings) -> dict[str, str]:
    """The topic's settings in Kafka's words."""
    in_sync = min_insync_replicas(settings)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(spec.retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(spec.max_message_bytes),
        "message.timestamp.type": _BROKERS_CLOCK,  # engine time compares timers with the broker's clock
        **({} if in_sync is None else {"min.insync.replicas": str(in_sync)}),
    }


def topic_config(name: str, settings: KafkaSettings) -> dict[str, str]:
    """The settings of the topic of this name; one that is not of an installation is kept for ever."""
    spec = next((spec for spec in topic_specs(settings) if spec.name == name), None)
    other = TopicSpec(name=name, partitions=1, retention_ms=FOR_EVER, max_message_bytes=JOURNAL_MAX_BYTES)
    return config_of(spec or other, settings)


def min_insync_replicas(settings: KafkaSettings) -> int | None:
    """How many replicas must have a record before it counts; None: the cluster's default."""
    if settings.min_insync_replicas is not None:
        return settings.min_insync_replicas
    return None if settings.replication_factor is None else max(1, settings.replication_factor - 1)


async def create_topics(admin: KafkaAdmin, settings: KafkaSettings, specs: Sequence[TopicSpec]) -> list[Finding]:
    """Make what is missing, then judge all of them."""
    created = set()
    for spec in specs:
        if await admin.describe(spec.name) is None and await admin.create(
            spec.name, spec.partitions, settings.replication_factor, config_of(spec, settings)
        ):
            created.add(spec.name)
    findings = await check_topics(admin, settings, specs)
    return [
        msgspec.structs.replace(found, status="created") if found.topic in created and not found.is_bad else found
        for found in findings
    ]


async def check_topics(admin: KafkaAdmin, settings: KafkaSettings, specs: Sequence[TopicSpec]) -> list[Finding]:
    """What is to be said of each topic: one finding of each that is as it must be, else one for each thing that is not."""
    return [
        finding
        for found in await asyncio.gather(*(_check(admin, settings, spec) for spec in specs))
        for finding in found
    ]


async def _check(admin: KafkaAdmin, settings: KafkaSettings, spec: TopicSpec) -> list[Finding]:
    info = await admin.describe(spec.name)
    if info is None:
        return [Finding(spec.name, "missing", "there is no such topic", "run `headrace topics create`")]
    return judged(spec, settings, info, await _config_on(admin, spec.name))


def judged(spec: TopicSpec, settings: KafkaSettings, info: TopicInfo, config: Mapping[str, str]) -> list[Finding]:
    """What is to be said of a topic that is there: one finding if it is as it must be, else one for each thing that is not."""
    findings = [*_partitions(spec, info)]
    if spec.ours:
        findings += [*_replicas(spec, settings, info), *_config(spec, settings, config)]
    else:
        findings += _producers_clocks(spec, config)
    shown = f"{info.partitions} partitions" if info.partitions != 1 else "1 partition"
    return findings or [Finding(spec.name, "ok", f"{shown}, kept {_kept(spec.retention_ms)}" if spec.ours else shown)]


def _partitions(spec: TopicSpec, info: TopicInfo) -> Iterator[Finding]:
    if info.partitions == spec.partitions:
        return
    found = f"expected {spec.partitions} partitions, found {info.partitions}"
    mend = (
        f"if that is the number of the other topics, set HEADRACE_KAFKA_PARTITIONS={info.partitions}; else make this one "
        "anew while it is empty. The number is chosen once, for it says where a contact's records are"
        if spec.partitions > 1
        else "make the topic anew with one partition: definitions have one order"
    )
    yield Finding(spec.name, "mismatch", found, mend)


def _replicas(spec: TopicSpec, settings: KafkaSettings, info: TopicInfo) -> Iterator[Finding]:
    wanted = settings.replication_factor
    if wanted is None or info.replicas >= wanted:
        return
    found = f"expected at least {wanted} replicas, found {info.replicas}"
    mend = (
        f"give each partition {wanted} replicas with kafka-reassign-partitions.sh; or, if {info.replicas} is meant, set "
        f"HEADRACE_KAFKA_REPLICATION_FACTOR={info.replicas}"
    )
    yield Finding(spec.name, "mismatch", found, mend)


def _producers_clocks(spec: TopicSpec, found: Mapping[str, str]) -> Iterator[Finding]:
    if found["message.timestamp.type"] == _BROKERS_CLOCK:
        return
    yield Finding(
        spec.name,
        "warning",
        f"its records have their producers' time ({found['message.timestamp.type']}): where such a clock goes ahead, a wait "
        "may end although the reply to it is there unread",
        _command(spec, "message.timestamp.type", _BROKERS_CLOCK),
    )


def _config(spec: TopicSpec, settings: KafkaSettings, found: Mapping[str, str]) -> Iterator[Finding]:
    wanted = config_of(spec, settings)
    for name in ("cleanup.policy", "message.timestamp.type"):
        if found[name] != wanted[name]:
            yield _mismatch(spec, name, wanted[name], found[name])
    for name in ("retention.ms", "retention.bytes"):
        if not _keeps(found[name], wanted[name]):
            yield _mismatch(spec, name, wanted[name], found[name])
    for name in ("max.message.bytes", "min.insync.replicas"):
        if int(found[name]) < int(wanted.get(name, "0")):
            yield _mismatch(spec, name, f"at least {wanted[name]}", found[name], value=wanted[name])


def _mismatch(spec: TopicSpec, name: str, wanted: str, found: str, *, value: str | None = None) -> Finding:
    return Finding(
        spec.name, "mismatch", f"expected {name} {wanted}, found {found}", _command(spec, name, value or wanted)
    )


def _command(spec: TopicSpec, name: str, value: str) -> str:
    return f"kafka-configs.sh --alter --topic {spec.name} --add-config {name}={value}"


def _keeps(found: str, wanted: str) -> bool:
    """Whether records are kept at least as long (or as many) as wanted; negative is without limit."""
    return int(found) < 0 or (int(wanted) >= 0 and int(found) >= int(wanted))


def _kept(retention_ms: int) -> str:
    return "for ever" if retention_ms < 0 else f"{retention_ms // 86_400_000} days"


async def _config_on(admin: KafkaAdmin, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    asked: dict[Any, Any] = admin.client.describe_configs([resource])
    found = await admin.result(asked[resource], f"read the settings of topic {name}")
    return {entry.name: entry.value for entry in found.values()}
