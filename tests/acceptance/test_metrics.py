"""`headrace dev` shows all metrics of all roles, and they move with what happens."""

import requests
from prometheus_client.parser import text_string_to_metric_families

from schemas.metrics import ROLES
from tests.support.headrace import step


def figures(headrace):
    answer = requests.get(f"{headrace.url}/metrics", timeout=30)
    answer.raise_for_status()
    return answer.text, {family.name: family for family in text_string_to_metric_families(answer.text)}


def total(families, name, **labels):
    samples = families[name].samples
    return sum(s.value for s in samples if s.name == name + "_total" and labels.items() <= s.labels.items())


def test_a_run_moves_them(headrace):
    _, before = figures(headrace)
    contact = headrace.contact(first_name="Augusta")
    headrace.run(headrace.workflow(step("hi", "send_sms", body="Hi"), step("t", "add_tag", tag="t")), contact)
    text, after = figures(headrace)
    names = {spec.name.removesuffix("_total") for specs in ROLES.values() for spec in specs}
    assert names <= set(after)
    assert after["headrace_build_info"].samples[0].labels["role"] == "dev"

    def moved(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    assert moved("headrace_journal_events", type="enrolled") >= 1
    assert moved("headrace_attempts", channel="sms", outcome="succeeded") >= 1
    assert moved("headrace_projected_records", topic="headrace.journal") >= 8
    assert moved("headrace_http_requests", method="POST", status="201") >= 1
    assert {s.labels["partition"] for s in after["headrace_consumer_lag_records"].samples} == {"0", "1", "2", "3"}
    assert not any(word in text for word in (contact, "Augusta", "+15550001111"))
