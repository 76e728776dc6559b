"""What the Kafka host needs to know of its cluster, and the clients' configurations that follow from it."""

from typing import Any, Final, Literal

import msgspec

from streams.kafka.client_log import LOGGER
from streams.kafka.security import KafkaSecurity, librdkafka_config

JOURNAL_MAX_BYTES: Final = 8 * 1024 * 1024
"""The journal takes larger records than any input, so that what was learned can always be written down."""
INPUT_MAX_BYTES: Final = 2 * 1024 * 1024
"""Room for values of one MiB with their key and headers."""

Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Spans are milliseconds."""

    bootstrap: str
    security: KafkaSecurity = KafkaSecurity()
    client_id: str = "headrace"
    transactional_prefix: str = ""
    """Put before `<group>-<partition>` in transactional ids, where a cluster's rules ask for it."""
    compression: Compression = "lz4"
    """Of what Headrace writes; it reads all of them."""
    partitions: int = 32
    replication_factor: int | None = None
    """None: the cluster's default."""
    min_insync_replicas: int | None = None
    """None: one less than the replication factor, but at least 1; without a factor, the cluster's default."""
    transaction_timeout_ms: int = 10_000
    """After so long without a commit the cluster aborts a transaction: readers wait so long for a killed worker."""
    request_timeout_ms: int = 30_000

    def client(self) -> dict[str, Any]:
        """What every client has in common."""
        return {
            "bootstrap.servers": self.bootstrap,
            "client.id": self.client_id,
            "socket.keepalive.enable": True,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1_000,
            "logger": LOGGER,  # else librdkafka writes to standard error, beside our logs
            "log_level": 4,  # warnings; what it goes on after by itself is said at that level
            **librdkafka_config(self.security),
        }

    def producer(self) -> dict[str, Any]:
        """What every producer has in common."""
        return {
            **self.client(),
            "enable.idempotence": True,
            "compression.type": self.compression,
            "message.max.bytes": JOURNAL_MAX_BYTES,
            "delivery.timeout.ms": self.request_timeout_ms,
            "request.timeout.ms": min(self.request_timeout_ms, 10_000),
        }

    def transactional_id(self, group: str, partition: int) -> str:
        """The same for every process that ever owns the partition: that is what fences the older one."""
        return f"{self.transactional_prefix}{group}-{partition}"

    def consumer(self) -> dict[str, Any]:
        """A consumer that is given its partitions and positions, and sees only what was committed."""
        return {
            **self.client(),
            "group.id": f"{self.client_id}-unused",  # librdkafka wants one; it is never joined
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",  # positions past the end are never asked for
            "enable.partition.eof": True,  # says where the end is behind markers and aborted records
            "fetch.min.bytes": 1,
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 50,
            "fetch.message.max.bytes": JOURNAL_MAX_BYTES,
        }
