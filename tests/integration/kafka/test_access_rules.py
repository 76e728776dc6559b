"""On a cluster that denies what is not allowed, the roles get along with the rules of docs/operations/kafka.md."""

from collections.abc import Callable, Iterator

import confluent_kafka
import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from schemas.topics import (
    COMMANDS,
    CONTACT_CHANGES,
    CONTACT_EVENTS,
    DEAD_LETTERS,
    DEFINITION_COMMANDS,
    DEFINITIONS,
    JOURNAL,
    OUR_TOPICS,
)
from tests.support.client import HeadraceClient, eventually
from tests.support.kafka_broker import JavaBroker
from tests.support.role_process import RoleProcess, headrace
from tests.support.secured_broker import MODULES

pytestmark = pytest.mark.timeout(240)

ROLES = ("worker", "projector", "api")
ALL = {CONTACT_EVENTS, *OUR_TOPICS}
READ = {
    "worker": ALL - {CONTACT_CHANGES, DEAD_LETTERS},
    "api": {JOURNAL, DEFINITIONS, DEAD_LETTERS},
    "projector": {JOURNAL, DEFINITIONS, DEAD_LETTERS},
    "topics": set(),
}
WRITE = {
    "worker": ALL - {CONTACT_EVENTS},
    "api": {CONTACT_EVENTS, COMMANDS, DEFINITION_COMMANDS, DEAD_LETTERS},
    "projector": set(),
    "topics": set(),
}
"""As the table in the docs has it."""

WORKFLOW = {
    "name": "tag",
    "trigger": {"type": "contact_created"},
    "steps": [{"id": "t", "type": "add_tag", "config": {"tag": "seen"}}],
}
CREATED = {"contact": {"first_name": "Ada"}}


def rules(role: str) -> Iterator[AclBinding]:
    def allow(kind: ResourceType, name: str, *operations: AclOperation, begins: bool = False) -> Iterator[AclBinding]:
        pattern = ResourcePatternType.PREFIXED if begins else ResourcePatternType.LITERAL
        for operation in operations:
            yield AclBinding(kind, name, pattern, f"User:{role}", "*", operation, AclPermissionType.ALLOW)

    for topic in ALL:
        yield from allow(ResourceType.TOPIC, topic, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
    for topic in READ[role]:
        yield from allow(ResourceType.TOPIC, topic, AclOperation.READ)
    for topic in WRITE[role]:
        yield from allow(ResourceType.TOPIC, topic, AclOperation.WRITE)
    if role == "topics":
        for topic in ALL:
            yield from allow(ResourceType.TOPIC, topic, AclOperation.CREATE)
        return
    group = AclOperation.READ if role == "worker" else AclOperation.DESCRIBE
    yield from allow(ResourceType.GROUP, "headrace", group, begins=True)
    if role == "worker":
        ids = (AclOperation.DESCRIBE, AclOperation.WRITE)
        yield from allow(ResourceType.TRANSACTIONAL_ID, "headrace", *ids, begins=True)
    if role == "projector":
        yield from allow(ResourceType.BROKER, "kafka-cluster", AclOperation.IDEMPOTENT_WRITE)


@pytest.fixture
def strict_broker(new_broker: Callable[..., JavaBroker]) -> JavaBroker:
    """Each role is a user of its own; whoever comes without a password may do all."""
    of = "listener.name.sasl"
    users = " ".join(f'user_{role}="of-{role}"' for role in (*READ, "nobody"))
    broker = new_broker(
        protocols={"SASL": "SASL_PLAINTEXT"},
        properties={
            f"{of}.sasl.enabled.mechanisms": "PLAIN",
            f"{of}.plain.sasl.jaas.config": f"{MODULES}.plain.PlainLoginModule required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "group.min.session.timeout.ms": "2000",
        },
    )
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    made = admin.create_acls([rule for role in READ for rule in rules(role)])
    for future in made.values():
        future.result(20)
    return broker


def environment(broker: JavaBroker, user: str) -> dict[str, str]:
    return {
        "HEADRACE_KAFKA": broker.addresses["SASL"],
        "HEADRACE_KAFKA_PARTITIONS": "4",
        "HEADRACE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "HEADRACE_KAFKA_SASL_MECHANISM": "PLAIN",
        "HEADRACE_KAFKA_SASL_USERNAME": user,
        "HEADRACE_KAFKA_SASL_PASSWORD": f"of-{user}",
        "HEADRACE_LOG_LEVEL": "debug",
    }


def test_what_the_docs_ask_for_is_enough(strict_broker, database_url, tmp_path):
    refused = headrace("topics", "check", environment=environment(strict_broker, "nobody"))
    assert refused.returncode == 1
    assert "TOPIC_AUTHORIZATION_FAILED" in refused.stderr
    assert "docs/operations/kafka.md" in refused.stderr

    made = headrace("topics", "create", environment=environment(strict_broker, "topics"))
    assert made.returncode == 0, made.stdout + made.stderr
    roles = [
        RoleProcess(
            role,
            tmp_path / role,
            environment=environment(strict_broker, role) | {"HEADRACE_DATABASE_URL": database_url},
        )
        for role in ROLES
    ]
    try:
        for role in roles:
            role.start()
        for role in roles:
            eventually(role.ready, f"the {role.role} to be ready")
        client = HeadraceClient()
        client.url = roles[-1].url
        workflow = client.call("POST", "/api/v1/workflows?publish=true", json=WORKFLOW, expect=201)
        client.send("ada", "contact.created", CREATED)
        eventually(
            lambda: client.get("/contacts/ada", expect=(200, 404)).get("tags") == ["seen"], "the tag to be added"
        )
        assert "was enrolled" in client.get("/contacts/ada/why", params={"workflow_id": workflow["id"]})["answer"]

        crm = confluent_kafka.Producer({"bootstrap.servers": strict_broker.bootstrap})
        crm.produce(CONTACT_EVENTS, key="bob", value=b"no JSON")
        crm.flush(20)
        (letter,) = eventually(lambda: client.get("/dead-letters")["items"], "the dead letter")
        value = {"type": "contact.created", "contact_id": "bob", "data": CREATED}
        client.post(f"/dead-letters/{letter['id']}/replay", {"value": value}, expect=(200, 202))
        for role in roles:
            role.stop()
            assert "AUTHORIZATION" not in role.output
            assert f"of-{role.role}" not in role.output, "even at this level nobody may read the password"
    finally:
        for role in roles:
            role.end()
