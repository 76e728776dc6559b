"""Adapters to the providers: SMS by Twilio, e-mail by SendGrid, and HTTP requests."""

from domain.action import ActionRegistry
from streams.providers.http_request import HttpRequestAction
from streams.providers.sendgrid_email import SendEmailAction
from streams.providers.settings import HttpSettings, SendGridSettings, TwilioSettings
from streams.providers.twilio_sms import SendSmsAction
from streams.providers.unconfigured import UnconfiguredAction

__all__ = ["HttpSettings", "SendGridSettings", "TwilioSettings", "build_actions"]


def build_actions(
    twilio: TwilioSettings | None,
    sendgrid: SendGridSettings | None,
    http: HttpSettings,
    *,
    concurrency: int = 64,
) -> ActionRegistry:
    """The built-in actions; a provider without settings fails each call with `not_configured`.

    Close the registry (`await registry.close()`) after the dispatcher was drained.

    Args:
        twilio: None when no SMS can be sent.
        sendgrid: None when no e-mail can be sent.
        http: where `http_request` may go.
        concurrency: threads, or connections, of each provider: the dispatcher's slots.
    """
    actions = ActionRegistry()
    actions.register(
        SendSmsAction(twilio, threads=concurrency)
        if twilio
        else UnconfiguredAction("send_sms", "sms", "HEADRACE_TWILIO_ACCOUNT_SID and HEADRACE_TWILIO_AUTH_TOKEN")
    )
    actions.register(
        SendEmailAction(sendgrid, connections=concurrency)
        if sendgrid
        else UnconfiguredAction("send_email", "email", "HEADRACE_SENDGRID_API_KEY and HEADRACE_SENDGRID_FROM")
    )
    actions.register(HttpRequestAction(http, connections=concurrency), "webhook")
    return actions
