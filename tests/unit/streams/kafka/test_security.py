"""What the security settings mean to both client libraries, and which combinations are refused."""

import pytest
from pydantic import SecretStr

from headrace.errors import SettingsError
from headrace.kafka_settings import kafka_settings
from headrace.settings import Settings, load_settings, variable
from streams.kafka.errors import SecurityMisconfigured
from streams.kafka.security import KafkaSecurity, aiokafka_config, librdkafka_config

USER = {"sasl_username": "ada", "sasl_password": SecretStr("s3cret")}
CLIENT = {
    "oauth_token_url": "https://login.example.com/token",
    "oauth_client_id": "headrace",
    "oauth_client_secret": SecretStr("s3cret"),
}


def test_without_settings_connections_are_plain():
    assert librdkafka_config(KafkaSecurity()) == {"security.protocol": "PLAINTEXT"}
    assert aiokafka_config(KafkaSecurity()) == {"security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_user_and_password_go_to_both(mechanism):
    security = KafkaSecurity(security_protocol="SASL_SSL", sasl_mechanism=mechanism, **USER)

    ours, theirs = librdkafka_config(security), aiokafka_config(security)

    assert (ours["sasl.mechanism"], ours["sasl.username"], ours["sasl.password"]) == (mechanism, "ada", "s3cret")
    assert ours["ssl.endpoint.identification.algorithm"] == "https"
    assert (theirs["sasl_mechanism"], theirs["sasl_plain_username"]) == (mechanism, "ada")
    assert theirs["sasl_plain_password"] == "s3cret"
    assert theirs["ssl_context"].check_hostname


def test_host_names_are_not_compared_when_that_is_turned_off_but_signatures_are_still_checked():
    import ssl

    security = KafkaSecurity(security_protocol="SSL", ssl_endpoint_identification=False)

    assert librdkafka_config(security)["ssl.endpoint.identification.algorithm"] == "none"
    context = aiokafka_config(security)["ssl_context"]
    assert not context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_tokens_come_by_client_credentials():
    security = KafkaSecurity(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", oauth_scope="kafka", **CLIENT)

    config = librdkafka_config(security)

    assert config["sasl.oauthbearer.method"] == "oidc"
    assert config["sasl.oauthbearer.client.secret"] == "s3cret"
    assert config["sasl.oauthbearer.scope"] == "kafka"
    assert "s3cret" not in repr(aiokafka_config(security))


REFUSED = {
    "no mechanism": ({"security_protocol": "SASL_SSL", **USER}, "SASL_MECHANISM is not set"),
    "no password": (
        {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "ada"},
        "SASL_PASSWORD is not set",
    ),
    "a user in the clear protocol": (USER, "SASL_USERNAME has no effect .* did you mean SASL_SSL"),
    "half a client": (
        {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "oauth_client_id": "headrace"},
        "OAUTH_TOKEN_URL is not set.*OAUTH_CLIENT_SECRET is not set",
    ),
    "password and tokens": (
        {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", **CLIENT, **USER},
        "SASL_USERNAME has no effect with",
    ),
    "a CA without TLS": ({"ssl_ca": "ca.pem"}, "SSL_CA has no effect .* did you mean SSL"),
    "a certificate without key": ({"security_protocol": "SSL", "ssl_certificate": "c.pem"}, "go together"),
    "a key without certificate": ({"security_protocol": "SSL", "ssl_key": "c.key"}, "go together"),
    "a password of no key": ({"security_protocol": "SSL", "ssl_key_password": SecretStr("s3cret")}, "SSL_KEY is not"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("config", [librdkafka_config, aiokafka_config])
def test_what_is_half_set_is_refused(name, config):
    values, message = REFUSED[name]

    with pytest.raises(SecurityMisconfigured, match=message) as refused:
        config(KafkaSecurity(**values))

    assert "s3cret" not in str(refused.value)


def test_files_that_are_no_certificates_are_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")

    with pytest.raises(SecurityMisconfigured, match="HEADRACE_KAFKA_SSL_CA"):
        aiokafka_config(KafkaSecurity(security_protocol="SSL", ssl_ca=str(tmp_path / "ca.pem")))


def test_secrets_do_not_show():
    security = KafkaSecurity(security_protocol="SASL_SSL", sasl_mechanism="PLAIN", **USER)

    assert "s3cret" not in repr(security)
    assert "s3cret" not in repr(load_settings(**of_settings(security_protocol="SASL_SSL", sasl_mechanism="PLAIN")))


def test_the_settings_of_an_installation_are_those_of_the_clients(monkeypatch):
    for name, value in {
        "security_protocol": "sasl_ssl",
        "sasl_mechanism": "scram-sha-512",
        "compression": "ZSTD",
    }.items():
        monkeypatch.setenv(variable(f"kafka_{name}"), value)
    monkeypatch.setenv("HEADRACE_KAFKA_SASL_USERNAME", "ada")
    monkeypatch.setenv("HEADRACE_KAFKA_SASL_PASSWORD", "s3cret")

    config = kafka_settings(load_settings(kafka="kafka-1:9093")).producer()

    assert (config["bootstrap.servers"], config["security.protocol"]) == ("kafka-1:9093", "SASL_SSL")
    assert (config["sasl.mechanism"], config["sasl.password"]) == ("SCRAM-SHA-512", "s3cret")
    assert config["compression.type"] == "zstd"


def test_every_security_field_is_a_setting():
    assert {f"kafka_{name}" for name in KafkaSecurity.__struct_fields__} <= Settings.model_fields.keys()


def test_half_set_security_is_told_when_settings_are_read():
    with pytest.raises(SettingsError, match="HEADRACE_KAFKA_SASL_PASSWORD is not set") as refused:
        load_settings(kafka_security_protocol="SASL_SSL", kafka_sasl_mechanism="PLAIN", kafka_sasl_username="ada")

    assert "set both, or neither" not in str(refused.value)


def test_more_replicas_in_sync_than_there_are_is_refused():
    with pytest.raises(SettingsError, match="MIN_INSYNC_REPLICAS=3 is more than HEADRACE_KAFKA_REPLICATION_FACTOR=2"):
        load_settings(kafka_replication_factor=2, kafka_min_insync_replicas=3)

    assert load_settings(kafka_replication_factor=1, kafka_min_insync_replicas=1).kafka_min_insync_replicas == 1


def test_without_an_address_there_is_no_kafka():
    with pytest.raises(SettingsError, match="HEADRACE_KAFKA is not set"):
        kafka_settings(load_settings())


def of_settings(**values):
    return {f"kafka_{name}": value for name, value in {**values, **USER}.items()}
