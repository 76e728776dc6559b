"""What becomes of a call, for every provider alike: through the real SDKs, over loopback, against the sandbox."""

import pytest

from tests.support.provider_calls import actions_at, run

CHANNELS = ("sms", "email", "http")
every_channel = pytest.mark.parametrize("channel", CHANNELS)


async def inbox(client, **query):
    async with client.get("/inbox.json", params=query) as response:
        return (await response.json())["messages"]


async def fault(client, **described):
    async with client.post("/faults", json=described) as response:
        assert response.status == 201, await response.text()


@every_channel
async def test_a_call_that_is_taken_has_succeeded_and_its_key_stands_in_the_inbox(channel, call, client, requests_to):
    result = await call(*requests_to[channel], key="enrollment/step/3")
    assert result.outcome == "succeeded"
    (message,) = await inbox(client)
    assert (message["channel"], message["body"], message["action_key"]) == (channel, "hi", "enrollment/step/3")
    if channel != "http":
        assert result.provider_id == result.output["message_id"] == message["provider_id"]


@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateways_answer_for_a_message_is_unknown(channel, status, call, client, requests_to):
    await fault(client, channel=channel, kind="status", status=status)
    result = await call(*requests_to[channel])
    assert (result.outcome, result.code) == ("unknown", f"gateway_{status}")


@every_channel
@pytest.mark.parametrize(("status", "retry_after"), [(429, 2), (500, None), (503, 1.5)])
async def test_429_and_5xx_were_not_taken_and_may_be_repeated(channel, status, retry_after, call, client, requests_to):
    await fault(client, channel=channel, kind="status", status=status, retry_after=retry_after, times=1)
    result = await call(*requests_to[channel])
    assert (result.outcome, result.retryable) == ("failed", True)
    assert result.retry_after_ms == (retry_after and retry_after * 1_000)
    assert await inbox(client) == []
    assert (await call(*requests_to[channel])).outcome == "succeeded"


@every_channel
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_other_refusals_are_final(channel, status, call, client, requests_to):
    await fault(client, channel=channel, kind="status", status=status)
    result = await call(*requests_to[channel])
    assert (result.outcome, result.retryable) == ("failed", False)


@every_channel
async def test_a_reset_after_the_provider_took_it_is_unknown_and_is_never_repeated(channel, call, client, requests_to):
    await fault(client, channel=channel, kind="reset_after_accept")
    result = await call(*requests_to[channel])
    assert (result.outcome, result.code, result.retryable) == ("unknown", "connection_lost", False)
    assert len(await inbox(client)) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_broken_request_of_an_idempotent_method_is_not_repeated_behind_our_back(
    method, call, client, requests_to
):
    await fault(client, channel="http", kind="reset_after_accept")
    step_type, request = requests_to["http"]
    result = await call(step_type, request | {"method": method})
    assert result.outcome == "unknown"
    assert len(await inbox(client)) == 1


@every_channel
async def test_a_reset_before_the_provider_took_it_looks_the_same_so_it_is_unknown_too(
    channel, call, client, requests_to
):
    await fault(client, channel=channel, kind="reset_before_accept")
    assert (await call(*requests_to[channel])).outcome == "unknown"
    assert await inbox(client) == []


@every_channel
async def test_an_answer_that_comes_too_late_is_unknown(channel, call, client, requests_to):
    await fault(client, channel=channel, kind="delay", delay_s=30)
    result = await call(*requests_to[channel], timeout_s=0.4)
    assert (result.outcome, result.code) == ("unknown", "timeout")
    assert len(await inbox(client)) == 1


@every_channel
async def test_silence_is_unknown(channel, call, client, requests_to):
    await fault(client, channel=channel, kind="hang")
    result = await call(*requests_to[channel], timeout_s=0.4)
    assert (result.outcome, result.code) == ("unknown", "timeout")
    assert await inbox(client) == []


@every_channel
async def test_a_provider_that_is_not_there_was_sent_nothing(channel, dead_url, requests_to):
    step_type, request = requests_to[channel]
    request = request | ({"url": f"{dead_url}/hook"} if channel == "http" else {})
    async with actions_at(dead_url) as registry:
        result = await run(registry, step_type, request)
    assert (result.outcome, result.code, result.retryable) == ("failed", "connect_failed", True)


@every_channel
async def test_a_name_that_does_not_resolve_was_sent_nothing(channel, requests_to):
    nowhere = "http://provider.invalid"
    step_type, request = requests_to[channel]
    request = request | ({"url": nowhere} if channel == "http" else {})
    async with actions_at(nowhere) as registry:
        result = await run(registry, step_type, request)
    assert (result.outcome, result.code, result.retryable) == ("failed", "connect_failed", True)
