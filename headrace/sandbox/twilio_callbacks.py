"""Twilio's callbacks: what becomes of a message, and messages that people send to us. Forms, as Twilio posts them.

https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from typing import Any, Final
from urllib.parse import urlencode

from headrace.sandbox.callbacks import Callback
from headrace.sandbox.keys import SandboxKeys

SMS_PATH: Final = "/api/v1/webhooks/twilio/sms"
NO_ACCOUNT: Final = "AC" + "0" * 32
_FORM: Final = "application/x-www-form-urlencoded"


def status_callback(keys: SandboxKeys, message: dict[str, Any], status: str, code: int | None = None) -> Callback:
    """A message's new status, to the address that the message named."""
    sender = message.get("from") or ""
    form = {
        "MessageSid": message["provider_id"],
        "SmsSid": message["provider_id"],
        "AccountSid": message.get("account") or NO_ACCOUNT,
        "From": sender,
        "To": message["to"],
        "MessageStatus": status,
        "SmsStatus": status,
        "ApiVersion": "2010-04-01",
    }
    if sender.startswith("MG"):
        form["MessagingServiceSid"] = form.pop("From")
    if code is not None:
        form["ErrorCode"] = str(code)
    return _posted(keys, f"sms {status}", message["status_callback"], form)


def inbound_callback(keys: SandboxKeys, public_url: str, reply: dict[str, Any]) -> Callback:
    """A message that a person sent to our number."""
    form = {
        "MessageSid": reply["provider_id"],
        "SmsSid": reply["provider_id"],
        "SmsMessageSid": reply["provider_id"],
        "AccountSid": reply.get("account") or NO_ACCOUNT,
        "From": reply["from"],
        "To": reply["to"],
        "Body": reply["body"],
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    if reply.get("opt_out_type"):
        form["OptOutType"] = reply["opt_out_type"]
    return _posted(keys, "sms received", public_url.rstrip("/") + SMS_PATH, form)


def _posted(keys: SandboxKeys, what: str, url: str, form: dict[str, str]) -> Callback:
    return Callback(
        what=what,
        url=url,
        body=urlencode(form).encode(),
        content_type=_FORM,
        sign=lambda: keys.twilio_headers(url, form),
        provider_id=form["MessageSid"],
    )
