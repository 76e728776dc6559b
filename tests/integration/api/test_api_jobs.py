"""Jobs over HTTP: told line by line, or by their report alone."""

import asyncio
import json

import pytest

from domain.errors import HeadraceError
from tests.integration.api.caller import assert_problem

PROGRESS = b'{"type":"progress","done":1,"total":2,"unit":"events","per_second":1.0}\n'
REPORT = b'{"type":"report","report":{"found":7},"ok":true}\n'
FAILURE = b'{"type":"failure","status":422,"code":"no_file","detail":"expected a file","extras":{"line":3}}\n'


class Jobs:
    """Says the lines that a test sets."""

    def __init__(self, *lines):
        self.lines, self.asked, self.closed = lines, [], False

    async def run(self, kind, body):
        self.asked.append((kind, dict(body)))
        try:
            for line in self.lines:
                if isinstance(line, Exception):
                    raise line
                yield line
        finally:
            self.closed = True


JOBS = pytest.mark.parametrize("settings", [{"jobs": Jobs(PROGRESS, REPORT)}])


@JOBS
async def test_a_job_is_told_line_by_line(api, settings):
    async with api.client.post("/api/v1/jobs/count", json={"since": "2026-01-01"}) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/x-ndjson"
        assert [json.loads(line)["type"] async for line in answer.content] == ["progress", "report"]
    assert settings["jobs"].asked == [("count", {"since": "2026-01-01"})]
    assert settings["jobs"].closed


@JOBS
async def test_who_accepts_json_gets_the_report_alone(api, settings):
    reply = await api.post("/api/v1/jobs/count", json={}, headers={"Accept": "application/json"})
    assert (reply.status, reply.body) == (200, {"found": 7})


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("settings", [{"jobs": Jobs(FAILURE)}])
async def test_a_refusal_is_a_problem(api, accept):
    reply = await api.post("/api/v1/jobs/count", json={}, headers={"Accept": accept})
    assert_problem(reply, 422, "no_file")
    assert reply.body["line"] == 3


@pytest.mark.parametrize("settings", [{"jobs": Jobs(HeadraceError("two jobs are under way"))}])
async def test_no_more_jobs_are_taken_than_can_be_done(api):
    assert_problem(await api.post("/api/v1/jobs/count", json={}), 409, "busy")


async def test_where_nobody_does_jobs_there_are_none(api):
    assert_problem(await api.post("/api/v1/jobs/count", json={}), 404, "not_found")


async def test_a_body_that_is_no_object_is_refused(api):
    assert_problem(await asyncio.wait_for(api.post("/api/v1/jobs/count", json=[]), 10), 422, "invalid_body")
