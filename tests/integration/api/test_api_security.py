"""Other web sites are kept out: host names, cross-site writes, and headers for browsers."""

import pytest

from tests.integration.api.caller import assert_problem

EVENTS = "/api/v1/contacts/ada/events"
EVENT = {"type": "x"}
ASYNC = {"Prefer": "respond-async"}
LOOPBACK = {"require_host": frozenset({"127.0.0.1", "localhost", "[::1]"})}


@pytest.mark.parametrize("settings", [LOOPBACK])
@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"])
async def test_a_host_that_is_ours_is_answered(api, settings, host):
    assert (await api.get("/healthz", headers={"Host": host})).status == 200


@pytest.mark.parametrize("settings", [LOOPBACK])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "[::2]", "[::1"]
)
async def test_a_host_that_is_not_ours_is_refused(api, settings, host):
    """DNS rebinding: a page of evil.example may point that name at this machine, but can't change the header."""
    assert_problem(await api.get("/api/v1/contacts", headers={"Host": host}), 421, "misdirected_request")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_may_not_write(api, headers):
    assert_problem(await api.post(EVENTS, json=EVENT, headers=headers | ASYNC), 403, "cross_site_write")
    assert api.nothing_appended()


async def test_programs_and_our_own_pages_may_write(api):
    own = f"http://{api.client.host}:{api.client.port}"
    for headers in ({}, {"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert (await api.post(EVENTS, json=EVENT, headers=headers | ASYNC)).status == 202


@pytest.mark.parametrize("path", ["/", "/api/v1/workflows", "/api/v1/none", "/static/style.css", "/healthz"])
async def test_every_answer_tells_browsers_to_be_careful(api, path):
    headers = (await api.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_personal_data_is_kept_in_no_cache(api, read_side):
    await read_side.contact()
    assert (await api.get("/api/v1/contacts/ada")).headers["Cache-Control"] == "no-store"
    assert (await api.get("/static/style.css")).headers["Cache-Control"] == "no-cache"


async def test_no_other_origin_may_read(api):
    headers = (await api.get("/api/v1/contacts", headers={"Origin": "https://evil.example"})).headers
    assert "Access-Control-Allow-Origin" not in headers
