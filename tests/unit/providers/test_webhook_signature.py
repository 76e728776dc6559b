"""The signature of webhooks: Standard Webhooks' own test vector, and what can't sign."""

import pytest

from streams.providers.http_call import InvalidRequest
from streams.providers.webhook_signature import signature_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_published_vector_is_signed_as_published():
    """From the reference libraries' own tests (github.com/standard-webhooks/standard-webhooks, MIT)."""
    assert signature_headers(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1_614_265_330) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_id_is_the_action_key_in_plain_ascii():
    headers = signature_headers(SECRET, "e/grüß dich/1", b"", 1)
    assert headers["webhook-id"] == "e/gr%C3%BC%C3%9F%20dich/1"


@pytest.mark.parametrize("secret", ["", "plain", "whsec_", "whsec_not base64!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_secret_that_can_not_sign_is_refused_without_being_shown(secret):
    with pytest.raises(InvalidRequest) as refused:
        signature_headers(secret, "e/s/1", b"", 1)
    assert not secret or secret == "whsec_" or secret not in str(refused.value)
