"""Which actions the engine has: providers, the real ones that are set and the sandbox for the rest, and plug-ins."""

from api.webhooks.settings import WebhookSettings
from domain.action import ActionRegistry
from headrace.plug_ins import load_plug_ins
from headrace.sandbox.keys import DEFAULT_TOKEN, SandboxKeys
from headrace.settings import Settings
from streams.providers import HttpSettings, SendGridSettings, TwilioSettings, build_actions

SANDBOX_SENDER = "+15005550006"
"""Twilio's own magic test number, as the sender where none is set."""


def actions_for(settings: Settings, sandbox_url: str | None) -> ActionRegistry:
    """The actions; a provider without credentials goes to the sandbox when there is one."""
    actions = build_actions(
        twilio_settings(settings, sandbox_url),
        sendgrid_settings(settings, sandbox_url),
        HttpSettings(allow=settings.http_allow),
    )
    for plug_in in load_plug_ins():
        actions.register(plug_in)
    return actions


def public_url_of(settings: Settings) -> str:
    """The URL under which providers reach this API."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def sandbox_token_of(settings: Settings) -> str:
    """What the sandbox signs with: the Twilio account's token, when there is one."""
    return settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else DEFAULT_TOKEN


def webhook_settings(settings: Settings, sandbox: SandboxKeys | None = None) -> WebhookSettings:
    """How callbacks are checked: with the providers' own secrets; where the sandbox stands in for one, with the sandbox's."""
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else None
    key = settings.sendgrid_webhook_key
    if sandbox is not None and settings.sendgrid_api_key is None:
        key = key or sandbox.sendgrid_public_key
    return WebhookSettings(
        public_url=public_url_of(settings),
        twilio_auth_token=token or (sandbox.auth_token if sandbox else None),
        sendgrid_public_key=key,
        unknown_sender=settings.unknown_senders,
        phone_region=settings.phone_region,
    )


def twilio_settings(settings: Settings, sandbox_url: str | None) -> TwilioSettings | None:
    """Twilio's settings, or the sandbox's; None when there is neither."""
    public_url = public_url_of(settings)
    if settings.twilio_account_sid and settings.twilio_auth_token:
        return TwilioSettings(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            from_number=settings.twilio_from,
            messaging_service_sid=settings.twilio_messaging_service_sid,
            base_url=settings.twilio_base_url,
            public_url=public_url,
            phone_region=settings.phone_region,
        )
    if sandbox_url is None:
        return None
    return TwilioSettings(
        account_sid="AC" + "0" * 32,
        auth_token=DEFAULT_TOKEN,
        from_number=settings.twilio_from or SANDBOX_SENDER,
        base_url=sandbox_url,
        public_url=public_url,
        phone_region=settings.phone_region,
    )


def sendgrid_settings(settings: Settings, sandbox_url: str | None) -> SendGridSettings | None:
    """SendGrid's settings, or the sandbox's; None when there is neither."""
    if settings.sendgrid_api_key and settings.sendgrid_from:
        return SendGridSettings(
            api_key=settings.sendgrid_api_key.get_secret_value(),
            from_email=settings.sendgrid_from,
            base_url=settings.sendgrid_base_url,
        )
    if sandbox_url is None:
        return None
    return SendGridSettings(
        api_key="sandbox", from_email=settings.sendgrid_from or "sandbox@example.com", base_url=sandbox_url
    )
