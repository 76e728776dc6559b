"""Signatures of callbacks: what is not signed by the provider, for this address and now, is refused."""

import base64

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from api.problems import Forbidden
from api.webhooks.sendgrid_key import sendgrid_key
from api.webhooks.settings import WebhookSettings

TWILIO_SIGNATURE = "X-Twilio-Signature"
SENDGRID_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
SENDGRID_TIME = "X-Twilio-Email-Event-Webhook-Timestamp"


def check_twilio(request: web.Request, form: MultiDict[str], settings: WebhookSettings) -> None:
    """The request is Twilio's (https://www.twilio.com/docs/usage/security#validating-requests).

    Raises:
        Forbidden: no auth token is set, or the signature does not fit our public URL and the form.
    """
    if settings.twilio_auth_token is None:
        raise _not_configured("HEADRACE_TWILIO_AUTH_TOKEN")
    url = settings.public_url + request.raw_path
    signature = request.headers.get(TWILIO_SIGNATURE, "")
    if not RequestValidator(settings.twilio_auth_token).validate(url, form, signature):
        message = (
            f"{TWILIO_SIGNATURE} does not fit this request to {settings.public_url}: expected the account's own "
            "signature for exactly this URL; check HEADRACE_TWILIO_AUTH_TOKEN and HEADRACE_PUBLIC_URL"
        )
        raise Forbidden(message, code="bad_signature")


def check_sendgrid(request: web.Request, payload: bytes, settings: WebhookSettings, now_s: float) -> None:
    """The request is SendGrid's, and of now (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features).

    Raises:
        Forbidden: no key is set, the signature does not fit the bytes, or its time is not about now.
    """
    if settings.sendgrid_public_key is None:
        raise _not_configured("HEADRACE_SENDGRID_WEBHOOK_KEY")
    stamp = request.headers.get(SENDGRID_TIME, "")
    key = sendgrid_key(settings.sendgrid_public_key)
    if not _verifies(key, request.headers.get(SENDGRID_SIGNATURE, ""), stamp, payload):
        message = f"{SENDGRID_SIGNATURE} does not fit this body; check HEADRACE_SENDGRID_WEBHOOK_KEY"
        raise Forbidden(message, code="bad_signature")
    if not stamp.isdecimal() or abs(int(stamp) - now_s) > settings.tolerance_s:
        message = f"{SENDGRID_TIME} is more than {settings.tolerance_s:.0f} s away from now; the request is refused as a replay"
        raise Forbidden(message, code="stale_signature")


def _verifies(key: ec.EllipticCurvePublicKey, signature: str, stamp: str, payload: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), stamp.encode() + payload, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _not_configured(variable: str) -> Forbidden:
    message = f"callbacks of this provider are not taken here: {variable} is not set"
    return Forbidden(message, code="webhook_not_configured")
