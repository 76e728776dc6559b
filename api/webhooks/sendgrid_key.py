"""The verification key of SendGrid's event webhook, as SendGrid shows it."""

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key


@lru_cache(maxsize=4)
def sendgrid_key(text: str) -> ec.EllipticCurvePublicKey:
    """The public key in SendGrid's own form.

    Raises:
        ValueError: the text is no such key.
    """
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        message = "expected the verification key as SendGrid shows it (base64), found something else"
        raise ValueError(message) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        message = "expected an elliptic-curve key, as SendGrid shows it, found another kind"
        raise ValueError(message)  # noqa: TRY004 the text is wrong, not its type
    return key
