"""What a client's error means to an operator: an error of ours that says what could not be done, and what to look at."""

from typing import Any, Final

from confluent_kafka import KafkaError

from domain.errors import HeadraceError
from schemas.event_log_errors import UnknownTopic
from streams.kafka.errors import KafkaRefused, KafkaUnreachable

UNREACHABLE: Final = (
    KafkaError._TIMED_OUT,  # noqa: SLF001 librdkafka's own codes begin so
    KafkaError._TRANSPORT,  # noqa: SLF001
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
)
_NOT_ALLOWED: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
)
"""The cluster knows who we are, and its access rules forbid it."""


def explained(error: Any, failed: str, bootstrap: str, last_error: str = "") -> HeadraceError:
    """The error of ours for one of librdkafka's; `failed` begins the sentence."""
    if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):  # noqa: SLF001 its own code
        return UnknownTopic(f"{failed}: the topic does not exist; `headrace topics create` makes what is missing")
    if error.code() in UNREACHABLE:
        reasons = "check HEADRACE_KAFKA, the network, and the HEADRACE_KAFKA_* security settings"
        because = last_error or error.name()
        return KafkaUnreachable(f"{failed}: no broker of {bootstrap} answered ({because}); {reasons}")
    mend = "; docs/operations/kafka.md says what each role must be allowed" if error.code() in _NOT_ALLOWED else ""
    return KafkaRefused(f"{failed}: {error.name()}: {error.str()}{mend}")
