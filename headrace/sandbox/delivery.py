"""What becomes of a message after the provider took it: it is on its way, and arrives or does not."""

from typing import Any, Final

from headrace.sandbox.callbacks import Callbacks
from headrace.sandbox.keys import SandboxKeys
from headrace.sandbox.ledger import Ledger
from headrace.sandbox.sendgrid_events import event_callback
from headrace.sandbox.twilio_callbacks import status_callback

PACE_S: Final = 0.15
"""Between one status of a message and the next."""
UNDELIVERED: Final = 30003
"""Twilio's number for a handset that can't be reached."""

_SMS: Final = ("queued", "sent", "delivered")
_SMS_LOST: Final = ("queued", "sent", "undelivered")
_EMAIL: Final = ("processed", "delivered")
_EMAIL_LOST: Final = ("processed", "bounce")


class Delivery:
    """Moves messages along, and tells the application under test."""

    def __init__(
        self,
        ledger: Ledger,
        callbacks: Callbacks,
        keys: SandboxKeys,
        public_url: str | None,
        *,
        pace_s: float = PACE_S,
        tells: bool = True,
    ) -> None:
        self._ledger, self._callbacks, self._keys = ledger, callbacks, keys
        self._pace_s, self._tells = pace_s, tells
        self.public_url = public_url

    def begin(self, message: dict[str, Any], lost_code: int | None = None) -> None:
        """The provider took the message; with a `lost_code` it will not arrive."""
        if message["channel"] == "sms":
            self._step(message, _SMS if lost_code is None else _SMS_LOST, lost_code)
        elif message["channel"] == "email":
            self._step(message, _EMAIL if lost_code is None else _EMAIL_LOST, None)

    def _step(self, message: dict[str, Any], ahead: tuple[str, ...], code: int | None) -> None:
        status, *rest = ahead
        if self._tells:
            self.tell(message, status, code=None if rest else code)
        else:
            self._ledger.set_status(message["provider_id"], message["to"], status, None if rest else code)
        if rest:
            self._callbacks.after(self._pace_s, lambda: self._step(message, tuple(rest), code))

    def tell(
        self, message: dict[str, Any], status: str, *, code: int | None = None, said: dict[str, Any] | None = None
    ) -> bool:
        """Note a message's status, or an e-mail's event, and post it; False when there is nowhere to post it."""
        self._ledger.set_status(message["provider_id"], message["to"], status, code)
        if message["channel"] == "sms":
            if not str(message.get("status_callback") or "").startswith(("http://", "https://")):
                return False
            self._callbacks.post(status_callback(self._keys, message, status, code))
            return True
        if self.public_url is None:
            return False
        self._callbacks.post(event_callback(self._keys, self.public_url, message, status, said))
        return True
