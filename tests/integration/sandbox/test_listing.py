"""What the providers say that they got, as the audit asks them."""

import time

import pytest

from streams.providers.listing import CannotList, sendgrid_messages, twilio_messages
from streams.providers.settings import SendGridSettings, TwilioSettings
from tests.support.provider_calls import API_KEY, TOKEN, run

HOUR_MS = 3_600_000


@pytest.fixture
def twilio(sandbox):
    return TwilioSettings(account_sid="AC1", auth_token=TOKEN, from_number="+1555", base_url=sandbox.url)


@pytest.fixture
def sendgrid(sandbox):
    return SendGridSettings(api_key=API_KEY, from_email="a@example.com", base_url=sandbox.url)


def now_ms():
    return time.time_ns() // 1_000_000


async def test_messages_of_the_span_are_listed(actions, twilio, sendgrid):
    sms = await run(actions, "send_sms", {"to": "+15550001111", "body": "Hi"})
    email = await run(actions, "send_email", {"to": "ada@example.com", "subject": "S", "body": "B"})
    since, until = now_ms() - HOUR_MS, now_ms() + HOUR_MS

    (message,) = await twilio_messages(twilio, since, until)
    assert (message.channel, message.provider_id, message.to) == ("sms", sms.provider_id, "+15550001111")
    assert since < message.at_ms < until

    (message,) = await sendgrid_messages(sendgrid, since, until)
    assert (message.channel, message.to) == ("email", "ada@example.com")
    assert message.provider_id.partition(".")[0] == email.provider_id

    assert await twilio_messages(twilio, until, until + HOUR_MS) == []
    assert await sendgrid_messages(sendgrid, until, until + HOUR_MS) == []


async def test_a_span_of_more_than_a_page_is_asked_in_halves(sandbox, actions, sendgrid, monkeypatch):
    """Five e-mails of five minutes, two a page: none is missed, and none comes twice."""
    monkeypatch.setattr("streams.providers.listing._PAGE", 2)
    moments = iter(f"2026-05-01T08:0{minute}:00.000Z" for minute in range(5))
    monkeypatch.setattr("headrace.sandbox.sendgrid.rfc3339_now", lambda: next(moments))
    for number in range(5):
        await run(actions, "send_email", {"to": f"{number}@example.com", "subject": "S", "body": "B"})
    since = 1_777_622_400_000 - HOUR_MS
    found = await sendgrid_messages(sendgrid, since, since + 2 * HOUR_MS)
    assert sorted(one.to for one in found) == [f"{number}@example.com" for number in range(5)]


async def test_who_can_not_be_asked_is_said(dead_url, sendgrid):
    away = TwilioSettings(account_sid="AC1", auth_token=TOKEN, from_number="+1555", base_url=dead_url)
    with pytest.raises(CannotList, match="Twilio could not be asked"):
        await twilio_messages(away, 0, 1)
    stranger = SendGridSettings(api_key="wrong", from_email="a@example.com", base_url=sendgrid.base_url)
    with pytest.raises(CannotList, match="401"):
        await sendgrid_messages(stranger, 0, 1)
