"""`http_request`: what is sent, what comes back, how redirects are followed, and where no connection is made."""

import base64
import hmac
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.support.provider_calls import actions_at, run


class Target:
    """A web server whose answers the test chooses by path."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[web.Request] = []
        self.answers: dict[str, web.Response] = {}

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        await request.read()
        found = self.answers.get(request.path, web.Response(text="ok"))
        return web.Response(
            body=found.body,
            status=found.status,
            headers={k: v for k, v in found.headers.items() if k != "Content-Length"},
        )


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    target, app = Target(), web.Application()
    app.router.add_route("*", "/{tail:.*}", target.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield target
    await runner.cleanup()


def redirect(status, location):
    return web.Response(status=status, headers={"Location": location})


async def test_the_request_arrives_as_it_was_configured(call, sandbox):
    result = await call(
        "http_request",
        {
            "url": f"{sandbox.url}/http/orders?x=1",
            "method": "put",
            "headers": {"X-Team": "crm"},
            "query": {"y": "a b"},
            "json": {"name": "Ann"},
        },
        key="e/s/9",
    )
    seen = result.output["body"]
    assert (result.outcome, result.output["status_code"]) == ("succeeded", 200)
    assert (seen["method"], seen["query"], seen["json"]) == ("PUT", {"x": "1", "y": "a b"}, {"name": "Ann"})
    assert (seen["headers"]["X-Team"], seen["idempotency_key"]) == ("crm", "e/s/9")


async def test_webhook_is_an_alias(call, sandbox):
    assert (await call("webhook", {"url": f"{sandbox.url}/http/x"})).outcome == "succeeded"


async def test_parts_of_the_answer_are_saved(call, sandbox):
    result = await call(
        "http_request",
        {"url": f"{sandbox.url}/http/x", "json": {"id": 7}, "save": {"order": "json.id", "gone": "no.such"}},
    )
    assert (result.output["order"], result.output["gone"]) == (7, None)


async def test_success_codes_are_the_steps_choice(call, target):
    target.answers["/gone"] = web.Response(status=404, text="nobody")
    missing = await call("http_request", {"url": f"{target.url}/gone"})
    assert (missing.outcome, missing.code, missing.retryable) == ("failed", "http_404", False)
    accepted = await call("http_request", {"url": f"{target.url}/gone", "success": [404]})
    assert (accepted.outcome, accepted.output["body"]) == ("succeeded", "nobody")


async def test_a_huge_body_is_read_no_further_than_its_limit(call, target):
    target.answers["/huge"] = web.Response(text="x" * 5_000_000)
    result = await call("http_request", {"url": f"{target.url}/huge"})
    assert (result.outcome, result.output["body_truncated"]) == ("succeeded", True)
    assert len(result.output["body"]) == 16_384


async def test_the_steps_own_time_out_counts(call, sandbox, client):
    await client.post("/faults", json={"kind": "hang"})
    result = await call("http_request", {"url": f"{sandbox.url}/http/x", "timeout_ms": 300}, timeout_s=60)
    assert (result.outcome, result.code) == ("unknown", "timeout")


async def test_redirects_are_followed_three_times_at_most(call, target):
    for n in range(5):
        target.answers[f"/{n}"] = redirect(302, f"/{n + 1}")
    assert (await call("http_request", {"url": f"{target.url}/2", "method": "GET"})).outcome == "succeeded"
    endless = await call("http_request", {"url": f"{target.url}/0", "method": "GET"})
    assert (endless.outcome, endless.code, endless.retryable) == ("failed", "http_redirects", False)


async def test_a_temporary_redirect_repeats_the_body_and_keeps_secrets_at_home(call, target, sandbox, client):
    target.answers["/old"] = redirect(307, f"{sandbox.url}/http/new")
    result = await call("http_request", {"url": f"{target.url}/old", "headers": {"X-Api-Key": "s3cret"}, "body": "hi"})
    seen = result.output["body"]
    assert (seen["method"], seen["body"], seen["idempotency_key"]) == ("POST", "hi", "e/s/1")
    assert "X-Api-Key" not in seen["headers"]


@pytest.mark.parametrize("how", [{"sign": "whsec_c2VjcmV0"}, {"has_secrets": True}])
async def test_what_is_signed_or_holds_secrets_is_not_repeated_at_another_origin(how, call, target, sandbox, client):
    target.answers["/away"] = redirect(308, f"{sandbox.url}/http/new")
    target.answers["/here"] = redirect(308, "/end")
    options = {"has_secrets": True} if "has_secrets" in how else {}
    config = {"body": "hi"} | {key: value for key, value in how.items() if key == "sign"}
    refused = await call("http_request", {"url": f"{target.url}/away", **config}, **options)
    assert (refused.outcome, refused.code, refused.retryable) == ("failed", "http_redirect_refused", False)
    async with client.get("/requests.json") as response:
        assert (await response.json())["requests"] == []
    at_home = await call("http_request", {"url": f"{target.url}/here", **config}, **options)
    assert (at_home.outcome, target.seen[-1].path) == ("succeeded", "/end")


async def test_signed_request_is_verified_by_what_it_carries(call, target):
    await call("http_request", {"url": f"{target.url}/hook", "json": {"a": 1}, "sign": "whsec_c2VjcmV0"}, key="e/s/1")
    seen = target.seen[-1]
    signed = f"e/s/1.{seen.headers['webhook-timestamp']}.".encode() + await seen.read()
    expected = base64.b64encode(hmac.digest(b"secret", signed, "sha256")).decode()
    assert (seen.headers["webhook-id"], seen.headers["webhook-signature"]) == ("e/s/1", f"v1,{expected}")


async def test_cookies_of_one_call_do_not_reach_the_next(call, target):
    target.answers["/login"] = web.Response(headers={"Set-Cookie": "session=ann"})
    await call("http_request", {"url": f"{target.url}/login"})
    await call("http_request", {"url": f"{target.url}/next"})
    assert "Cookie" not in target.seen[-1].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
    ],
)
async def test_without_leave_no_connection_is_made_to_an_address_inside(url, target):
    async with actions_at(target.url, allow=()) as registry:
        result = await run(registry, "http_request", {"url": url.format(port=target.url.rpartition(":")[2])})
    assert (result.outcome, result.code, result.retryable) == ("failed", "http_address_refused", False)
    assert "HEADRACE_HTTP_ALLOW" in result.message
    assert target.seen == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
async def test_other_ways_to_write_the_loopback_address_do_not_help(host, target):
    async with actions_at(target.url, allow=()) as registry:
        result = await run(registry, "http_request", {"url": f"http://{host}:{target.url.rpartition(':')[2]}/"})
    assert (result.outcome, result.retryable) == ("failed", False)
    assert target.seen == []


async def test_a_redirect_to_an_address_inside_is_not_followed(target):
    port = target.url.rpartition(":")[2]
    target.answers["/out"] = redirect(302, f"http://127.0.0.1:{port}/secret")
    # "localhost" by name is let through; the redirect's own host is not on the list.
    async with actions_at(target.url, allow=("localhost",)) as registry:
        result = await run(registry, "http_request", {"url": f"http://localhost:{port}/out"})
    assert (result.outcome, result.code) == ("failed", "http_address_refused")
    assert [request.path for request in target.seen] == ["/out"]


@pytest.mark.parametrize("allow", ["127.0.0.1", "127.0.0.0/8"])
async def test_the_allow_list_opens_a_network(allow, target):
    async with actions_at(target.url, allow=(allow,)) as registry:
        assert (await run(registry, "http_request", {"url": target.url})).outcome == "succeeded"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "no-scheme", "http://"])
async def test_what_is_no_web_address_is_a_clear_failure(url, call):
    result = await call("http_request", {"url": url})
    assert (result.outcome, result.code, result.retryable) == ("failed", "http_invalid_request", False)
