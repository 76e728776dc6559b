"""Errors: every one is a problem (RFC 9457); none lets a traceback out."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from psycopg_pool import AsyncConnectionPool

from api.app import create_api
from api.progress import ReadSideProgress
from api.services import Services
from schemas.topics import JOURNAL
from tests.integration.api.caller import Caller, assert_problem
from tests.integration.api.read_side import WORKFLOW

JSON = {"Content-Type": "application/json"}
EVENTS = "/api/v1/contacts/ada/events"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/v1/workflows", "GET, HEAD, POST"),
        ("PUT", f"/api/v1/workflows/{WORKFLOW}", "GET, HEAD"),
        ("GET", EVENTS, "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_route_has_not_is_refused_with_those_it_has(api, method, path, allow):
    reply = await api.request(method, path)
    assert_problem(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == allow


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1,]",
        b'{"type": NaN}',
        b'{"type": "\xff"}',
        b"'x'",
        b"[" * 100_000,
        b'{"type":"x"} {}',
        "{}".encode("utf-16"),
    ],
)
async def test_what_is_no_json_is_refused(api, text):
    assert_problem(await api.post(EVENTS, data=text, headers=JSON), 400, "bad_json")


@pytest.mark.parametrize("text", [b"null", b"[]", b'"x"', b"7"])
async def test_a_body_that_is_no_object_is_refused(api, text):
    assert_problem(await api.post(EVENTS, data=text, headers=JSON), 422, "invalid_body")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/yaml", "json", ""]
)
async def test_a_body_of_another_type_is_refused(api, content_type):
    reply = await api.post(EVENTS, data=b"{}", headers={"Content-Type": content_type})
    assert_problem(reply, 415, "unsupported_media_type")
    assert reply.headers["Accept-Post"] == "application/json"


@pytest.mark.parametrize(
    "query", ["colour=red", "limit=1&limit=2", "limit=%00", "status=open%00", "cursor=%00", "Limit=3"]
)
async def test_a_query_that_is_not_understood_is_refused(api, query):
    reply = await api.get(f"/api/v1/incidents?{query}")
    assert reply.status == 400
    assert reply.body["code"] in ("bad_query", "bad_cursor")


async def test_a_wrong_body_names_each_field_that_is_wrong(api):
    reply = await api.post(f"/api/v1/workflows/{WORKFLOW}/publish", json={"version": "1", "in_flight": "drop", "x": 1})
    problem = assert_problem(reply, 422, "invalid_body")
    assert {finding["path"] for finding in problem["errors"]} == {"version", "in_flight", "x"}


@pytest.mark.parametrize("path", ["/api/v1/contacts/a%00b", "/api/v1/templates/a%00b", "/api/v1/contacts/%FF"])
async def test_bytes_that_no_row_can_have_do_no_harm(api, path):
    from yarl import URL

    reply = await api.get(URL(path, encoded=True))
    assert reply.status in (404, 422)


async def test_a_browser_gets_a_page_and_a_program_a_problem(api):
    page = await api.get("/workflows/nonsense", headers={"Accept": "text/html"})
    assert page.status == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert "there is no workflow" in page.text
    assert_problem(await api.get("/workflows/nonsense"), 404, "not_found")
    assert_problem(await api.get("/api/v1/none", headers={"Accept": "text/html"}), 404, "not_found")


async def test_a_row_that_no_contract_knows_is_a_plain_500(api, read_side):
    """Whatever goes wrong inside stays inside: the log has it, the answer has not."""
    await read_side.workflow(status="levitating")
    problem = assert_problem(await api.get(f"/api/v1/workflows/{WORKFLOW}"), 500, "internal_error")
    assert "levitating" not in str(problem)


class LogOutOfReach:
    """A log whose broker does not answer."""

    async def append(self, records):
        raise OSError("connection refused")

    async def end_offset(self, topic, partition):
        raise OSError("connection refused")


@pytest.fixture
async def alone(log):
    """A caller of an API that reaches neither database nor log."""
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    async with AsyncConnectionPool(nowhere, min_size=0, max_size=1, open=False, timeout=0.2) as pool:
        services = Services(
            database=pool,
            commands=LogOutOfReach(),
            progress=ReadSideProgress(nowhere, pool, partitions=4),
            clock=lambda: 0,
            partitions=4,
        )
        async with TestClient(TestServer(create_api(services))) as client:
            yield Caller(client, log, None)


async def test_without_a_database_a_read_is_unavailable(alone):
    reply = await alone.get("/api/v1/workflows")
    assert_problem(reply, 503, "database_unavailable")
    assert reply.headers["Retry-After"]


async def test_readiness_tells_what_is_missing_and_liveness_does_not_care(alone):
    problem = assert_problem(await alone.get("/readyz"), 503, "not_ready")
    assert (problem["database"], problem["log"]) == ("unreachable", "unreachable")
    assert (await alone.get("/healthz")).body == {"status": "ok"}


async def test_a_write_that_the_log_did_not_take_may_be_sent_again(alone):
    reply = await alone.post(EVENTS, json={"type": "x"}, headers={"Prefer": "respond-async"})
    assert_problem(reply, 503, "log_unavailable")


async def test_readiness_tells_how_far_the_read_side_is_behind(api, read_side, log):
    from schemas.event_log import NewRecord

    records = [NewRecord(topic=JOURNAL, partition=number % 2, key=b"a", value=b"{}") for number in range(6)]
    await log.append(records)
    await read_side.insert("checkpoints", topic=JOURNAL, partition=0, offset=2)
    await read_side.insert("checkpoints", topic=JOURNAL, partition=1, offset=3)
    reply = await api.get("/readyz")
    assert reply.body == {"status": "ready", "database": "ok", "log": "ok", "lag": 1}
