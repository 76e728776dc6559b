"""`send_sms` through Twilio's SDK."""

import pytest
from twilio.rest import Client

from domain.contact import Contact
from tests.support.provider_calls import ANN, TOKEN, actions_at, run


async def only_message(client):
    async with client.get("/inbox.json") as response:
        (message,) = (await response.json())["messages"]
    return message


async def test_the_message_carries_sender_recipient_and_the_callback_with_the_key(call, client):
    await call("send_sms", {"to": "+15550123", "body": "Grüße 👋"}, key="a&b/c d/1")
    message = await only_message(client)
    assert (message["to"], message["body"], message["from"]) == ("+15550123", "Grüße 👋", "+15550199")
    assert message["action_key"] == "a&b/c d/1"
    assert message["status_callback"].startswith("https://crm.example/api/v1/webhooks/twilio/status?action_key=")


async def test_without_a_recipient_the_contacts_phone_is_used(call, client):
    await call("send_sms", {"body": "hi"})
    assert (await only_message(client))["to"] == ANN.phone


async def test_a_messaging_service_is_a_sender_too(sandbox, client):
    async with actions_at(sandbox.url, from_number=None, messaging_service_sid="MG1") as registry:
        assert (await run(registry, "send_sms", {"body": "hi"})).outcome == "succeeded"
    assert (await only_message(client))["from"] == "MG1"


async def test_without_a_public_address_there_is_no_callback(sandbox, client):
    async with actions_at(sandbox.url, public_url="") as registry:
        assert (await run(registry, "send_sms", {"body": "hi"})).outcome == "succeeded"
    assert (await only_message(client))["status_callback"] is None


async def test_a_contact_without_a_phone_fails_for_good(call):
    result = await call("send_sms", {"body": "hi"}, contact=Contact(id="c2"))
    assert (result.outcome, result.code, result.retryable) == ("failed", "no_phone", False)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+15005550004", "twilio_21610"),  # opted out
        ("+15005550001", "twilio_21211"),  # invalid
        ("+15005550009", "twilio_21614"),
    ],
)
async def test_twilios_own_refusals_are_final_and_named(to, code, call):
    result = await call("send_sms", {"to": to, "body": "hi"})
    assert (result.outcome, result.code, result.retryable) == ("failed", code, False)


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ("not a number", "it does not read as a number"),
        ("+1" + "5" * 14, "it is too long"),
        ("+999 12345678", "there is no such country code"),
        ("0151 12345678", "it has no country code; write it as +<country><number>, or set HEADRACE_PHONE_REGION"),
    ],
)
async def test_what_can_not_be_a_number_fails_for_good_and_is_never_asked_of_the_provider(to, problem, call, client):
    result = await call("send_sms", {"to": to, "body": "hi"})
    assert (result.outcome, result.code, result.retryable) == ("failed", "invalid_phone", False)
    assert result.message == f"{to!r} can't be a phone number: {problem}; correct it and retry"
    async with client.get("/requests.json") as response:
        assert (await response.json())["requests"] == []


@pytest.mark.parametrize(
    ("to", "sent"), [("+49 (151) 1234-5678", "+4915112345678"), ("0151 12345678", "+4915112345678")]
)
async def test_a_number_is_sent_in_e164_whatever_its_writing(to, sent, sandbox, client):
    async with actions_at(sandbox.url, phone_region="DE") as registry:
        assert (await run(registry, "send_sms", {"to": to, "body": "hi"})).outcome == "succeeded"
    assert (await only_message(client))["to"] == sent


@pytest.mark.parametrize(("body", "code"), [("", "twilio_21602"), ("x" * 1_601, "twilio_21617")])
async def test_a_body_must_be_there_and_not_too_long(body, code, call):
    assert (await call("send_sms", {"to": "+15550100", "body": body})).code == code


async def test_wrong_credentials_are_final(sandbox):
    async with actions_at(sandbox.url, auth_token="wrong") as registry:
        result = await run(registry, "send_sms", {"body": "hi"})
    assert (result.outcome, result.code, result.retryable) == ("failed", "twilio_20003", False)


async def test_the_region_in_the_environment_does_not_lead_away_from_the_sandbox(monkeypatch, call):
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    assert (await call("send_sms", {"body": "hi"})).outcome == "succeeded"


async def test_messages_can_be_listed_and_fetched_by_the_sdk_for_reconciliation(call, sandbox):
    import asyncio

    for n in range(5):
        await call("send_sms", {"to": "+15550100" if n % 2 else "+15550101", "body": f"n{n}"})
    sdk = Client("AC1", TOKEN)
    sdk.api.base_url = sandbox.url
    listed = await asyncio.to_thread(lambda: sdk.messages.list(to="+15550100", page_size=1))
    assert [message.body for message in listed] == ["n3", "n1"]
    sent = listed[0]
    today = sent.date_sent.date()
    assert len(await asyncio.to_thread(lambda: sdk.messages.list(date_sent=today))) == 5
    assert await asyncio.to_thread(lambda: sdk.messages.list(date_sent_after=sent.date_sent.replace(year=2100))) == []
    fetched = await asyncio.to_thread(lambda: sdk.messages(sent.sid).fetch())
    assert (fetched.body, fetched.to, fetched.status) == ("n3", "+15550100", "queued")
