"""Workers, projector and API over TLS, each let in another way: by a certificate, by SCRAM, by PLAIN."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from headrace.cli.exits import UNREACHABLE
from tests.support.certificates import Authority
from tests.support.engine_cluster import PARTITIONS, eventually
from tests.support.kafka_broker import JavaBroker
from tests.support.role_process import RoleProcess, headrace
from tests.support.secured_broker import KEY_PASSWORD, PASSWORD, PROTOCOLS, add_scram_users, secured_properties

pytestmark = pytest.mark.timeout(240)

DEFINITION = {
    "name": "tag",
    "trigger": {"type": "contact_created"},
    "steps": [{"id": "t", "type": "add_tag", "config": {"tag": "seen"}}],
}
CONTACTS = [f"contact-{number}" for number in range(24)]
"""So many that every partition has some, and so both workers."""


@pytest.fixture
def ways_in(tmp_path: Path, new_broker: Callable[..., JavaBroker]) -> dict[str, dict[str, str]]:
    """The environment of a role, by the way in which it shows who it is."""
    authority = Authority(tmp_path)
    broker = new_broker(
        protocols=PROTOCOLS,
        properties={
            **secured_properties(tmp_path, authority),
            "group.min.session.timeout.ms": "2000",
        },
    )
    add_scram_users(broker.bootstrap)
    certificate, key = authority.sign("headrace", KEY_PASSWORD.encode())
    trusting = {"HEADRACE_KAFKA_PARTITIONS": str(PARTITIONS), "HEADRACE_KAFKA_SSL_CA": str(authority.path)}
    by_certificate = {
        "HEADRACE_KAFKA": broker.addresses["TLS"],
        "HEADRACE_KAFKA_SECURITY_PROTOCOL": "SSL",
        "HEADRACE_KAFKA_SSL_CERTIFICATE": str(certificate),
        "HEADRACE_KAFKA_SSL_KEY": str(key),
        "HEADRACE_KAFKA_SSL_KEY_PASSWORD": KEY_PASSWORD,
    }
    by_password = {
        "HEADRACE_KAFKA": broker.addresses["BOTH"],
        "HEADRACE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "HEADRACE_KAFKA_SASL_USERNAME": "ada",
        "HEADRACE_KAFKA_SASL_PASSWORD": PASSWORD,
    }
    return {
        "certificate": trusting | by_certificate,
        "scram": trusting | by_password | {"HEADRACE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"},
        "plain": trusting | by_password | {"HEADRACE_KAFKA_SASL_MECHANISM": "PLAIN"},
    }


async def test_roles_that_are_let_in_by_different_ways_over_tls_work_together(ways_in, database_url, tmp_path):
    made = headrace("topics", "create", environment=ways_in["scram"] | {"HEADRACE_KAFKA_REPLICATION_FACTOR": "1"})
    assert made.returncode == 0, made.stdout + made.stderr
    database = {"HEADRACE_DATABASE_URL": database_url}
    workers = [
        RoleProcess("worker", tmp_path / way, environment=ways_in[way]).start() for way in ("certificate", "scram")
    ]
    projector = RoleProcess("projector", tmp_path / "projector", environment=ways_in["plain"] | database).start()
    api = RoleProcess("api", tmp_path / "api", environment=ways_in["certificate"] | database).start()
    roles = [*workers, projector, api]

    def call(method: str, path: str, **given):
        answer = requests.request(method, f"{api.url}/api/v1{path}", timeout=30, **given)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def all_completed() -> bool:
        items = call("GET", f"/workflows/{workflow['id']}/enrollments", params={"limit": 100})["items"]
        return sorted(item["contact_id"] for item in items if item["status"] == "completed") == sorted(CONTACTS)

    async def half_each() -> bool:
        owned = [await asyncio.to_thread(worker.owned) for worker in workers]
        return [len(one) for one in owned] == [PARTITIONS // 2] * 2

    try:
        for role in roles:
            await eventually(lambda role=role: asyncio.to_thread(role.ready), f"the {role.role} to be ready")
        await eventually(half_each, "the workers to share the partitions")
        workflow = await asyncio.to_thread(call, "POST", "/workflows?publish=true", json=DEFINITION)
        for contact in CONTACTS:
            event = {"type": "contact.created", "data": {"contact": {"first_name": "Ada"}}}
            path = f"/contacts/{contact}/events"
            await asyncio.to_thread(call, "POST", path, json=event, headers={"Prefer": "respond-async"})
        await eventually(lambda: asyncio.to_thread(all_completed), "all enrollments to be completed")
        for role in roles:
            await asyncio.to_thread(role.stop)
    finally:
        for role in roles:
            role.end()


def test_a_role_that_is_not_let_in_says_what_to_set_and_ends(ways_in, tmp_path):
    stranger = ways_in["plain"] | {"HEADRACE_KAFKA_SASL_PASSWORD": "guess", "HEADRACE_DATA_DIR": str(tmp_path / "data")}
    not_accepted = headrace("worker", "--health-port", "0", environment=stranger)
    assert not_accepted.returncode == UNREACHABLE
    assert re.search(r"authentication with \S+ failed .*check the HEADRACE_KAFKA_SASL_", not_accepted.stderr)
    assert "guess" not in not_accepted.stderr

    hasty = ways_in["plain"] | {"HEADRACE_KAFKA_SESSION_TIMEOUT": "1", "HEADRACE_DATA_DIR": str(tmp_path / "data")}
    made = headrace("topics", "create", environment=hasty | {"HEADRACE_KAFKA_REPLICATION_FACTOR": "1"})
    assert made.returncode == 0, made.stdout + made.stderr
    refused = headrace("worker", "--health-port", "0", environment=hasty)
    assert refused.returncode == 1
    assert "HEADRACE_KAFKA_SESSION_TIMEOUT" in refused.stdout + refused.stderr
