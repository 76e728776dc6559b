"""How to reach a cluster securely: one set of settings, in the words of librdkafka and in those of aiokafka."""

import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
from pydantic import SecretStr

from streams.kafka.errors import SecurityMisconfigured

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]

_BY_PASSWORD: Final = ("sasl_username", "sasl_password")
_BY_TOKEN: Final = ("oauth_token_url", "oauth_client_id", "oauth_client_secret")
_TLS: Final = ("ssl_ca", "ssl_certificate", "ssl_key", "ssl_key_password")


class KafkaSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """Each field is the setting HEADRACE_KAFKA_<FIELD>; files are PEM. Secrets don't show when it is printed."""

    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    oauth_token_url: str | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: SecretStr | None = None
    oauth_scope: str | None = None
    ssl_ca: str | None = None
    ssl_certificate: str | None = None
    ssl_key: str | None = None
    ssl_key_password: SecretStr | None = None
    ssl_endpoint_identification: bool = True

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether clients say who they are by SASL."""
        return self.security_protocol.startswith("SASL")


def check_security(security: KafkaSecurity) -> None:
    """Refuse what is half set: a client that silently did less than was meant would be a hole.

    Raises:
        SecurityMisconfigured: says which variables are missing, or can have no effect.
    """
    problems = list(_problems(security))
    if problems:
        raise SecurityMisconfigured("; ".join(problems))


def librdkafka_config(security: KafkaSecurity) -> dict[str, str]:
    """The part of a librdkafka client's configuration that makes it connect as the settings say."""
    check_security(security)
    config: dict[str, str] = {"security.protocol": security.security_protocol}
    if security.uses_sasl:
        config["sasl.mechanism"] = security.sasl_mechanism or ""
        config |= (
            _librdkafka_oauth(security) if security.sasl_mechanism == "OAUTHBEARER" else _librdkafka_sasl(security)
        )
    if security.uses_tls:
        config["ssl.endpoint.identification.algorithm"] = "https" if security.ssl_endpoint_identification else "none"
        config |= _present(
            {
                "ssl.ca.location": security.ssl_ca,
                "ssl.certificate.location": security.ssl_certificate,
                "ssl.key.location": security.ssl_key,
                "ssl.key.password": _secret(security.ssl_key_password),
            }
        )
    return config


def aiokafka_config(security: KafkaSecurity) -> dict[str, Any]:
    """Keyword arguments for an aiokafka client that make it connect as the settings say."""
    check_security(security)
    config: dict[str, Any] = {"security_protocol": security.security_protocol}
    if security.uses_tls:
        config["ssl_context"] = _ssl_context(security)
    if not security.uses_sasl:
        return config
    config["sasl_mechanism"] = security.sasl_mechanism
    if security.sasl_mechanism == "OAUTHBEARER":
        from streams.kafka.token import ClientCredentials  # noqa: PLC0415 settings are read without loading aiokafka

        config["sasl_oauth_token_provider"] = ClientCredentials(
            url=security.oauth_token_url or "",
            client_id=security.oauth_client_id or "",
            client_secret=security.oauth_client_secret or SecretStr(""),
            scope=security.oauth_scope,
            ca=security.ssl_ca,
        )
    else:
        config["sasl_plain_username"] = security.sasl_username
        config["sasl_plain_password"] = _secret(security.sasl_password)
    return config


def variable(field: str) -> str:
    """The environment variable of a field."""
    return f"HEADRACE_KAFKA_{field.upper()}"


def _problems(security: KafkaSecurity) -> Iterator[str]:
    protocol, mechanism = security.security_protocol, security.sasl_mechanism
    if security.uses_sasl:
        if mechanism is None:
            yield f"{variable('sasl_mechanism')} is not set although {variable('security_protocol')}={protocol}"
            return
        needed, useless = (_BY_TOKEN, _BY_PASSWORD) if mechanism == "OAUTHBEARER" else (_BY_PASSWORD, _BY_TOKEN)
        because = f"{variable('sasl_mechanism')}={mechanism}"
        yield from (f"{variable(name)} is not set although {because}" for name in needed if not _is_set(security, name))
        yield from (f"{variable(name)} has no effect with {because}" for name in useless if _is_set(security, name))
    else:
        yield from _without_effect(security, ("sasl_mechanism", *_BY_PASSWORD, *_BY_TOKEN, "oauth_scope"), "SASL_SSL")
    if not security.uses_tls:
        over_https = (security.oauth_token_url or "").startswith("https:")
        names = [name for name in _TLS if not (name == "ssl_ca" and over_https)]
        yield from _without_effect(security, names, "SASL_SSL" if security.uses_sasl else "SSL")
    elif _is_set(security, "ssl_certificate") != _is_set(security, "ssl_key"):
        yield f"{variable('ssl_certificate')} and {variable('ssl_key')} go together: set both, or neither"
    elif _is_set(security, "ssl_key_password") and not _is_set(security, "ssl_key"):
        yield f"{variable('ssl_key_password')} is set although {variable('ssl_key')} is not"


def _without_effect(security: KafkaSecurity, names: tuple[str, ...] | list[str], meant: str) -> Iterator[str]:
    now = f"{variable('security_protocol')}={security.security_protocol}"
    for name in names:
        if _is_set(security, name):
            yield f"{variable(name)} has no effect with {now}; did you mean {meant}?"


def _is_set(security: KafkaSecurity, name: str) -> bool:
    return getattr(security, name) is not None


def _librdkafka_sasl(security: KafkaSecurity) -> dict[str, str]:
    return {"sasl.username": security.sasl_username or "", "sasl.password": _secret(security.sasl_password) or ""}


def _librdkafka_oauth(security: KafkaSecurity) -> dict[str, str]:
    return _present(
        {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": security.oauth_token_url,
            "sasl.oauthbearer.client.id": security.oauth_client_id,
            "sasl.oauthbearer.client.secret": _secret(security.oauth_client_secret),
            "sasl.oauthbearer.scope": security.oauth_scope,
            "https.ca.location": security.ssl_ca if (security.oauth_token_url or "").startswith("https:") else None,
        }
    )


def _ssl_context(security: KafkaSecurity) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.ssl_ca)
        context.check_hostname = security.ssl_endpoint_identification
        if security.ssl_certificate is not None:
            context.load_cert_chain(
                security.ssl_certificate, security.ssl_key, password=_secret(security.ssl_key_password)
            )
    except (OSError, ssl.SSLError) as error:
        files = [variable(name) for name in ("ssl_ca", "ssl_certificate", "ssl_key") if _is_set(security, name)]
        message = f"expected readable PEM files in {', '.join(files)}; found: {error}"
        raise SecurityMisconfigured(message) from error
    return context


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _present(config: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in config.items() if value is not None}
