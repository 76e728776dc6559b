"""`headrace topics`: what is missing is made, what differs is told with how to mend it, and nothing is changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from headrace.cli.checks.configuration import check_log
from headrace.settings import load_settings
from schemas.topics import COMMANDS, CONTACT_EVENTS, DEFINITIONS, JOURNAL
from tests.support.kafka_broker import JavaBroker


def headrace(bootstrap: str, *arguments: str, **settings: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Exit code, and the findings by topic."""
    environment = {
        **os.environ,
        "HEADRACE_KAFKA": bootstrap,
        **{f"HEADRACE_{k.upper()}": v for k, v in settings.items()},
    }
    command = [sys.executable, "-m", "headrace", "topics", *arguments, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=100)
    findings: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(done.stdout)["topics"]:
        findings.setdefault(finding["topic"], []).append(finding)
    return done.returncode, findings


@pytest.mark.timeout(240)
def test_topics_are_made_once_and_checked_ever_after(new_broker: Callable[..., JavaBroker]) -> None:
    bootstrap = new_broker().bootstrap

    code, missing = headrace(bootstrap, "check")
    assert code == 1
    assert {finding["status"] for (finding,) in missing.values()} == {"missing"}

    code, created = headrace(bootstrap, "create", kafka_partitions="6")
    assert code == 0
    assert {finding["status"] for (finding,) in created.values()} == {"created"}
    assert created.keys() == missing.keys()

    code, fine = headrace(bootstrap, "check", kafka_partitions="6")
    assert code == 0
    assert {finding["status"] for (finding,) in fine.values()} == {"ok"}

    assert check_log(load_settings(kafka=bootstrap, kafka_partitions=6)).status == "ok"
    wrong = check_log(load_settings(kafka=bootstrap, kafka_partitions=8))
    assert (wrong.status, wrong.mend) == ("failed", "headrace topics check")

    code, fewer = headrace(bootstrap, "check", kafka_partitions="6", kafka_replication_factor="2")
    assert code == 1
    assert fewer[JOURNAL][0]["found"] == "expected at least 2 replicas, found 1"

    code, other = headrace(bootstrap, "create", kafka_partitions="8")
    assert code == 1
    assert "expected 8 partitions, found 6" in other[JOURNAL][0]["found"]
    assert "HEADRACE_KAFKA_PARTITIONS=6" in other[JOURNAL][0]["mend"]
    assert other[DEFINITIONS][0]["status"] == "ok"


@pytest.mark.timeout(240)
def test_what_others_made_is_judged_and_left_as_it_is(new_broker: Callable[..., JavaBroker]) -> None:
    bootstrap = new_broker().bootstrap
    admin = AdminClient({"bootstrap.servers": bootstrap})
    short = {"retention.ms": "3600000", "cleanup.policy": "compact", "max.message.bytes": "1000"}
    made = admin.create_topics(
        [NewTopic(name, 4, 1, config=short) for name in (JOURNAL, CONTACT_EVENTS)]
        + [NewTopic(COMMANDS, 4, 1, config={"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"})]
    )
    for future in made.values():
        future.result(20)

    for _ in range(2):
        code, findings = headrace(bootstrap, "create", kafka_partitions="4")
        assert code == 1
        told = {finding["found"].split(" ")[1]: finding["mend"] for finding in findings[JOURNAL]}
        assert told.keys() == {"retention.ms", "cleanup.policy", "max.message.bytes", "message.timestamp.type"}
        assert "--topic headrace.journal --add-config retention.ms=-1" in told["retention.ms"]
        (crm,) = findings[CONTACT_EVENTS]  # its settings are the CRM's; whose clock it goes by is told
        assert crm["status"] == "warning"
    # kept for longer than is needed is no mistake, and the cluster's default size is told
    assert [finding["found"] for finding in findings[COMMANDS]] == [
        "expected max.message.bytes at least 2097152, found 1048588"
    ]
