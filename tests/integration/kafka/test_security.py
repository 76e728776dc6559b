"""One set of settings lets both client libraries in, by every mechanism, and nobody with a wrong secret."""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from schemas.event_log import NewRecord
from streams.kafka.errors import KafkaUnreachable
from streams.kafka.log import KafkaEventLog
from streams.kafka.security import KafkaSecurity, aiokafka_config
from streams.kafka.settings import KafkaSettings
from tests.support.certificates import Authority
from tests.support.kafka_broker import JavaBroker
from tests.support.secured_broker import KEY_PASSWORD, PASSWORD, PROTOCOLS, add_scram_users, secured_properties


class Secured(NamedTuple):
    """A broker with a listener for each protocol, and what a client needs to be let in."""

    broker: JavaBroker
    ca: str
    certificate: str
    key: str
    token_url: str


async def give_token(request: web.Request) -> web.Response:
    """An endpoint for client credentials, whose tokens nobody signs: the broker takes such ones here."""
    given = BasicAuth.decode(request.headers["Authorization"])
    form = await request.post()
    if (given.login, given.password) != ("headrace", PASSWORD) or form["grant_type"] != "client_credentials":
        return web.json_response({"error": "invalid_client"}, status=401)
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": "headrace", "iat": now, "exp": now + 600, "scope": form.get("scope", "")})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return web.json_response({"access_token": ".".join(encoded) + ".", "token_type": "bearer", "expires_in": 600})


@pytest.fixture
async def secured(tmp_path: Path, new_broker: Callable[..., JavaBroker]) -> AsyncIterator[Secured]:
    authority = Authority(tmp_path)
    broker = new_broker(protocols=PROTOCOLS, properties=secured_properties(tmp_path, authority))
    add_scram_users(broker.bootstrap)
    certificate, key = authority.sign("headrace", KEY_PASSWORD.encode())
    app = web.Application()
    app.router.add_post("/token", give_token)
    async with TestServer(app) as server:
        yield Secured(broker, str(authority.path), str(certificate), str(key), str(server.make_url("/token")))


def ways_in(secured: Secured) -> dict[str, tuple[str, KafkaSecurity]]:
    """What can be set, by what it is; with the listener that takes it."""
    secret = SecretStr(PASSWORD)
    user = {"sasl_username": "ada", "sasl_password": secret}
    client = {
        "oauth_token_url": secured.token_url,
        "oauth_client_id": "headrace",
        "oauth_client_secret": secret,
        "oauth_scope": "kafka",
    }
    own = {
        "ssl_certificate": secured.certificate,
        "ssl_key": secured.key,
        "ssl_key_password": SecretStr(KEY_PASSWORD),
    }
    clear, both, ca = "SASL_PLAINTEXT", "SASL_SSL", {"ssl_ca": secured.ca}
    return {
        "plain": ("SASL", KafkaSecurity(security_protocol=clear, sasl_mechanism="PLAIN", **user)),
        "scram 256": ("SASL", KafkaSecurity(security_protocol=clear, sasl_mechanism="SCRAM-SHA-256", **user)),
        "oauth": ("SASL", KafkaSecurity(security_protocol=clear, sasl_mechanism="OAUTHBEARER", **client)),
        "mutual TLS": ("TLS", KafkaSecurity(security_protocol="SSL", **ca, **own)),
        "scram 512 over TLS": (
            "BOTH",
            KafkaSecurity(security_protocol=both, sasl_mechanism="SCRAM-SHA-512", **user, **ca),
        ),
        "oauth over TLS": ("BOTH", KafkaSecurity(security_protocol=both, sasl_mechanism="OAUTHBEARER", **client, **ca)),
    }


async def works_with_librdkafka(bootstrap: str, security: KafkaSecurity, topic: str) -> None:
    """Every client that the log is made of gets in."""
    log = await KafkaEventLog.open(KafkaSettings(bootstrap=bootstrap, security=security))
    record = NewRecord(topic=topic, partition=0, key=b"c-1", value=b"seen")
    await log.create_topic(topic, 1)
    await log.append([record])
    writer = await log.open_writer(topic, 0)
    await writer.commit([record], {topic: 1})
    assert [found.value for found in await log.read(topic, 0, 0, limit=10)] == [b"seen"] * 2
    assert await log.wait({(topic, 0): 0}, timeout=20)
    await log.close()


async def works_with_aiokafka(bootstrap: str, security: KafkaSecurity, topic: str) -> None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **aiokafka_config(security)
    )
    await consumer.start()
    assert (await consumer.getone()).value == b"seen"
    await consumer.stop()


@pytest.mark.timeout(300)
async def test_both_libraries_are_let_in_by_every_mechanism_and_by_no_wrong_secret(secured: Secured) -> None:
    for number, (name, (listener, security)) in enumerate(ways_in(secured).items()):
        bootstrap, topic = secured.broker.addresses[listener], f"way-{number}"
        try:
            await works_with_librdkafka(bootstrap, security, topic)
            await works_with_aiokafka(bootstrap, security, topic)
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error

    wrong = KafkaSecurity(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="ada",
        sasl_password=SecretStr("guess"),
    )
    with pytest.raises(KafkaUnreachable, match="Authentication failed") as refused:
        await KafkaEventLog.open(KafkaSettings(bootstrap=secured.broker.addresses["SASL"], security=wrong))
    assert "guess" not in str(refused.value)

    stranger = KafkaSecurity(security_protocol="SSL", ssl_ca=secured.ca)
    with pytest.raises(KafkaUnreachable, match="HEADRACE_KAFKA"):
        await KafkaEventLog.open(KafkaSettings(bootstrap=secured.broker.addresses["TLS"], security=stranger))
