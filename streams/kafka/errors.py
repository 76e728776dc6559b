"""What a Kafka cluster may refuse or leave open."""

from domain.errors import HeadraceError


class KafkaUnreachable(HeadraceError):
    """No Kafka broker answered: check HEADRACE_KAFKA, the network, and the HEADRACE_KAFKA_* security settings."""


class KafkaRefused(HeadraceError):
    """The Kafka cluster refused a request."""


class AppendUnconfirmed(HeadraceError):
    """The brokers did not confirm all records: some may stand in the log. Send them again; readers know them by their ids."""


class RecordTooLarge(HeadraceError):
    """A record is larger than the topic takes; nothing was written."""


class ReadStalled(HeadraceError):
    """The log says that there are more records, and none came."""


class SecurityMisconfigured(HeadraceError):
    """The security settings of the Kafka connection don't hold together."""
