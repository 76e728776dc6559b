"""No secret and no address of a person reaches a log, however talkative the SDKs are made."""

import logging

from tests.support.provider_calls import API_KEY, TOKEN


async def test_debug_logs_of_the_sdks_hold_no_secret_and_no_recipient(caplog, call, client, requests_to):
    caplog.set_level(logging.DEBUG)
    for name in ("twilio", "twilio.http_client", "sendgrid", "python_http_client", "urllib3", "requests", "aiohttp"):
        caplog.set_level(logging.DEBUG, logger=name)
    for step_type, request in requests_to.values():
        assert (await call(step_type, request)).outcome == "succeeded"
    await client.post("/faults", json={"kind": "status", "status": 400})
    for step_type, request in requests_to.values():
        result = await call(step_type, request)
        assert result.outcome == "failed"
        assert TOKEN not in f"{result}"
        assert API_KEY not in f"{result}"
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "POST" in logged  # the SDK's transport did log at DEBUG
    for secret in (TOKEN, API_KEY, "+15550100", "ann@example.org"):
        assert secret not in logged


async def test_no_secret_stands_in_the_repr_of_an_action(actions):
    shown = " ".join(f"{actions.get(name)!r} {vars(actions.get(name))}" for name in actions.types())
    assert TOKEN not in shown
    assert API_KEY not in shown
