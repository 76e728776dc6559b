"""`/metrics`: requests by route and status, and what waits for a person; whatever host the asker names."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.api.caller import assert_problem
from tests.integration.api.read_side import later


async def shown(api, **headers):
    reply = await api.get("/metrics", headers=headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name.removeprefix("headrace_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


async def test_requests_are_counted_by_method_route_and_status(api, read_side):
    await read_side.contact()
    for path in ("/api/v1/contacts/ada", "/api/v1/contacts/nobody", "/nothing/at/all", "/nothing/else"):
        await api.get(path)
    await api.post("/api/v1/contacts/ada/events", json={"type": 5})
    figures = await shown(api)
    route = "/api/v1/contacts/{contact_id}"
    assert figures["http_requests_total", "GET", route, "200"] == 1
    assert figures["http_requests_total", "GET", route, "404"] == 1
    assert figures["http_requests_total", "GET", "unmatched", "404"] == 2
    assert figures["http_requests_total", "POST", f"{route}/events", "422"] == 1
    assert figures["http_request_seconds_count", "GET", route] == 2


async def test_no_path_is_shown(api):
    await api.get("/api/v1/contacts/ada-lovelace")
    assert not any("lovelace" in label for key in await shown(api) for label in key)


async def test_methods_that_nobody_has_are_one(api):
    await api.request("PROPFIND", "/api/v1/contacts")
    counted = {key for key in await shown(api) if key[0] == "http_requests_total"}
    assert counted == {("http_requests_total", "other", "unmatched", "405")}


async def test_what_is_open_is_counted(api, read_side):
    await read_side.incident()
    await read_side.incident(status="resolved")
    await read_side.dead_letter(id="0-1")
    await read_side.dead_letter(id="0-2", at=later(seconds=1))
    await read_side.dead_letter(id="0-3", status="replayed")
    figures = await shown(api)
    assert (figures["open_incidents",], figures["open_dead_letters",]) == (1, 2)


@pytest.mark.parametrize("settings", [{"require_host": frozenset({"headrace.example.com"})}])
async def test_machines_may_ask_by_any_name(api):
    assert await shown(api, Host="10.0.0.7:8080")
    assert (await api.get("/healthz", headers={"Host": "10.0.0.7"})).status == 200
    assert_problem(await api.get("/api/v1/contacts", headers={"Host": "10.0.0.7"}), 421, "misdirected_request")
