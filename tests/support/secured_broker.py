"""A broker that lets in only who shows a certificate or knows the password; for clients and for whole roles."""

from pathlib import Path

from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.support.certificates import Authority

PASSWORD = "correct horse"
KEY_PASSWORD = "battery staple"
MODULES = "org.apache.kafka.common.security"


PROTOCOLS = {"SASL": "SASL_PLAINTEXT", "TLS": "SSL", "BOTH": "SASL_SSL"}
"""A listener for each; the one with TLS alone wants a certificate of the client's."""


def secured_properties(directory: Path, authority: Authority) -> dict[str, str]:
    certificate, key = authority.sign("broker")
    chain = directory / "broker-chain.pem"
    chain.write_bytes(key.read_bytes() + certificate.read_bytes())
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(chain),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.path),
        "listener.name.tls.ssl.client.auth": "required",
    }
    for listener in ("sasl", "both"):
        of = f"listener.name.{listener}"
        properties |= {
            f"{of}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            f"{of}.plain.sasl.jaas.config": f'{MODULES}.plain.PlainLoginModule required user_ada="{PASSWORD}";',
            f"{of}.scram-sha-256.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required;",
            f"{of}.scram-sha-512.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required;",
            f"{of}.oauthbearer.sasl.jaas.config": f"{MODULES}.oauthbearer.OAuthBearerLoginModule required"
            ' unsecuredLoginStringClaim_sub="broker";',
        }
    return properties


def add_scram_users(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        secret = ScramCredentialInfo(mechanism, 4_096)
        made = admin.alter_user_scram_credentials([UserScramCredentialUpsertion("ada", secret, PASSWORD.encode())])
        made["ada"].result(20)
