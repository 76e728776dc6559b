"""What the sandbox signs its callbacks with: Twilio's auth token, and the key of SendGrid's event webhook."""

import base64
import hashlib
import time
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator

DEFAULT_TOKEN: Final = "sandbox"  # noqa: S105 nothing real is behind it
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256


class SandboxKeys:
    """Both follow from one token, so that whoever knows the token knows them, across restarts and machines."""

    def __init__(self, auth_token: str = DEFAULT_TOKEN) -> None:
        self.auth_token = auth_token
        self._twilio = RequestValidator(auth_token)

    @cached_property
    def sendgrid_public_key(self) -> str:
        """The verification key as SendGrid shows it: base64 of its DER form."""
        public = self._sendgrid.public_key()
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

    def twilio_headers(self, url: str, form: dict[str, str]) -> dict[str, str]:
        """The header that signs a form for exactly this address."""
        return {"X-Twilio-Signature": self._twilio.compute_signature(url, form)}

    def sendgrid_headers(self, body: bytes) -> dict[str, str]:
        """The headers that sign a body and the time."""
        stamp = str(int(time.time()))
        signature = self._sendgrid.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }

    @cached_property
    def _sendgrid(self) -> ec.EllipticCurvePrivateKey:
        seed = hashlib.sha512(b"headrace sandbox, event webhook:" + self.auth_token.encode()).digest()
        return ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())
