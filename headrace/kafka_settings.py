"""The settings of the Kafka connection, and what the Kafka host makes of them."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from headrace.errors import SettingsError
from streams.kafka.errors import SecurityMisconfigured
from streams.kafka.security import KafkaSecurity, Mechanism, Protocol, check_security
from streams.kafka.settings import Compression, KafkaSettings

_BOOTSTRAP: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,]+):\d{1,5}")
_SECURITY: Final = "kafka_"
_KIND: Final = "headrace_setting"


def _bootstrap(value: str) -> str:
    if not all(_BOOTSTRAP.fullmatch(part.strip()) for part in value.split(",")):
        raise PydanticCustomError(_KIND, "expected host:port, several with commas")
    return value


def _https(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s]+", value):
        raise PydanticCustomError(_KIND, "expected an https:// URL")
    return value


def _readable(value: Path) -> Path:
    if not value.is_file():
        raise PydanticCustomError(_KIND, "expected a PEM file that exists")
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


PemFile = Annotated[Path, AfterValidator(_readable)]


class KafkaOptions(BaseSettings):
    """What can be set about Kafka; all of librdkafka's and aiokafka's security follows from it."""

    kafka: Annotated[str, AfterValidator(_bootstrap)] | None = Field(
        None, description="Kafka bootstrap servers; unset: the embedded log.", examples=["kafka-1:9092,kafka-2:9092"]
    )
    kafka_partitions: int = Field(
        32, ge=1, le=1_024, description="Partitions of the topics on Kafka; chosen once, before they are made."
    )
    kafka_replication_factor: int | None = Field(
        None, ge=1, le=15, description="Replicas of each partition; unset: the cluster's default.", examples=["3"]
    )
    kafka_min_insync_replicas: int | None = Field(
        None,
        ge=1,
        le=15,
        description="Replicas that must have a record before it counts; unset: one less than there are replicas.",
        examples=["2"],
    )
    kafka_compression: Annotated[Compression, BeforeValidator(_lower)] = Field(
        "lz4", description="Compression of what Headrace writes; it reads all of them."
    )
    kafka_transactional_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,100}$",
        description="Put before the transactional ids `headrace-<partition>`, where the cluster's rules ask for it.",
    )
    kafka_security_protocol: Annotated[Protocol, BeforeValidator(_upper)] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    kafka_sasl_mechanism: Annotated[Mechanism, BeforeValidator(_upper)] | None = Field(
        None, description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER."
    )
    kafka_sasl_username: str | None = Field(None, min_length=1, description="User, for PLAIN and SCRAM.")
    kafka_sasl_password: SecretStr | None = Field(None, min_length=1, description="Its password.")
    kafka_oauth_token_url: Annotated[str, AfterValidator(_https)] | None = Field(
        None, description="Where OAUTHBEARER's tokens come from, by client credentials."
    )
    kafka_oauth_client_id: str | None = Field(None, min_length=1, description="Client id, for OAUTHBEARER.")
    kafka_oauth_client_secret: SecretStr | None = Field(None, min_length=1, description="Its secret.")
    kafka_oauth_scope: str | None = Field(None, min_length=1, description="Scope that is asked for, if any.")
    kafka_ssl_ca: PemFile | None = Field(
        None, description="PEM file of the authorities that sign the brokers' certificates; unset: the system's."
    )
    kafka_ssl_certificate: PemFile | None = Field(None, description="PEM file of our own certificate (mTLS).")
    kafka_ssl_key: PemFile | None = Field(None, description="PEM file of its key.")
    kafka_ssl_key_password: SecretStr | None = Field(None, min_length=1, description="The key's password, if any.")
    kafka_ssl_endpoint_identification: bool = Field(
        True, description="The brokers' certificates must name the hosts that we connect to."
    )

    @model_validator(mode="after")
    def _enough_replicas(self) -> Self:
        """More replicas than there are can't have a record."""
        replicas, needed = self.kafka_replication_factor, self.kafka_min_insync_replicas
        if replicas is not None and needed is not None and needed > replicas:
            context = {"needed": needed, "replicas": replicas}
            kind = "headrace_kafka_replicas"
            raise PydanticCustomError(
                kind,
                "HEADRACE_KAFKA_MIN_INSYNC_REPLICAS={needed} is more than HEADRACE_KAFKA_REPLICATION_FACTOR={replicas}: "
                "records could never be confirmed; one less than there are replicas outlives a broker",
                context,
            )
        return self

    @model_validator(mode="after")
    def _secure_as_meant(self) -> Self:
        """Security that is half set is a mistake, not less security."""
        try:
            check_security(security(self))
        except SecurityMisconfigured as error:
            kind = "headrace_kafka_security"
            raise PydanticCustomError(kind, "{problem}", {"problem": str(error)}) from None
        return self


def security(options: KafkaOptions) -> KafkaSecurity:
    """The security settings alone."""
    values: dict[str, Any] = {name: getattr(options, _SECURITY + name) for name in KafkaSecurity.__struct_fields__}
    paths = {name: str(value) for name, value in values.items() if isinstance(value, Path)}
    return KafkaSecurity(**values | paths)


def kafka_settings(options: KafkaOptions) -> KafkaSettings:
    """What the Kafka host needs to know.

    Raises:
        SettingsError: HEADRACE_KAFKA is not set.
    """
    if options.kafka is None:
        raise SettingsError("HEADRACE_KAFKA is not set: expected the cluster's bootstrap servers, as kafka-1:9092")
    return KafkaSettings(
        bootstrap=options.kafka,
        security=security(options),
        transactional_prefix=options.kafka_transactional_prefix,
        compression=options.kafka_compression,
        partitions=options.kafka_partitions,
        replication_factor=options.kafka_replication_factor,
        min_insync_replicas=options.kafka_min_insync_replicas,
    )
