"""The signature of a webhook as Standard Webhooks 1.0 has it (standard-webhooks.com), so that receivers can use its libraries."""

import base64
import binascii
import hashlib
import hmac
from typing import Final
from urllib.parse import quote

from streams.providers.http_call import InvalidRequest

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX: Final = "whsec_"


def signature_headers(secret: str, action_key: str, body: bytes, now_s: int) -> dict[str, str]:
    """The three headers of a message: its id (the same for every attempt), the attempt's time, and both signed with the body.

    Raises:
        InvalidRequest: the secret is none that can sign; the message does not show it.
    """
    message_id = quote(action_key, safe="/-_")  # plain ASCII, and without the dot that parts what is signed
    signed = b".".join([message_id.encode(), str(now_s).encode(), body])
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {ID: message_id, TIMESTAMP: str(now_s), SIGNATURE: f"v1,{base64.b64encode(digest).decode()}"}


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not key:
        raise InvalidRequest(f"expected the secret of `sign` to be {_PREFIX} and the key in base64")
    return key
