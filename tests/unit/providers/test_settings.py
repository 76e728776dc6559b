"""Settings of the providers: checked, and silent about their secrets."""

import pytest

from streams.providers import HttpSettings, SendGridSettings, TwilioSettings, build_actions
from streams.providers.settings import InvalidSettings


def test_no_secret_stands_in_a_repr():
    twilio = TwilioSettings(account_sid="AC1", auth_token="s3cret", from_number="+15550100")
    sendgrid = SendGridSettings(api_key="SG.s3cret", from_email="a@example.org")
    assert "s3cret" not in f"{twilio!r} {twilio} {sendgrid!r} {sendgrid}"


def test_twilio_needs_a_sender():
    with pytest.raises(InvalidSettings, match="HEADRACE_TWILIO_FROM"):
        TwilioSettings(account_sid="AC1", auth_token="t")


async def test_the_built_in_actions_serve_their_step_types_and_channels():
    actions = build_actions(None, None, HttpSettings())
    assert actions.types() == ("http_request", "send_email", "send_sms", "webhook")
    assert [actions.get(name).channel for name in actions.types()] == ["http", "email", "sms", "http"]
    await actions.close()


async def test_a_provider_without_settings_says_which_ones_to_give():
    result = await build_actions(None, None, HttpSettings()).get("send_sms").execute(None, {}, {})
    assert (result.outcome, result.code, result.retryable) == ("failed", "not_configured", False)
    assert "HEADRACE_TWILIO_ACCOUNT_SID" in result.message
