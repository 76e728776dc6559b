"""What a Kafka cluster may refuse or leave open."""

from domain.errors import HeadraceError


class KafkaUnreachable(HeadraceError):
    """No Kafka broker answered: check HEADRACE_KAFKA, the network, and the HEADRACE_KAFKA_* security settings."""


class AuthenticationFailed(KafkaUnreachable):
    """This client and the Kafka brokers don't accept each other: check the HEADRACE_KAFKA_* security settings."""


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


class GroupRefused(HeadraceError):
    """The brokers do not let this worker into its consumer group."""


def refused(error: BaseException) -> GroupRefused:
    """Why, and what to do about it, as far as it is known."""
    mends = {
        "InvalidSessionTimeoutError": "set HEADRACE_KAFKA_SESSION_TIMEOUT between the brokers' group.min.session.timeout.ms "
        "and group.max.session.timeout.ms (6 s and 30 min unless they were changed)",
        "GroupAuthorizationFailedError": "allow this user to read the group `headrace`",
        "TopicAuthorizationFailedError": "allow this user to read the input topics (`headrace topics check` names them)",
    }
    mend = mends.get(type(error).__name__, "the brokers' logs may say more")
    return GroupRefused(f"the consumer group refuses this worker: {error}; {mend}")
