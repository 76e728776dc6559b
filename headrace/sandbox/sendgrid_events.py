"""SendGrid's event webhook: what becomes of an e-mail, as a signed JSON array of events.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import secrets
import time
from typing import Any, Final

import msgspec

from headrace.sandbox.callbacks import Callback
from headrace.sandbox.keys import SandboxKeys

EVENTS_PATH: Final = "/api/v1/webhooks/sendgrid/events"

EVENTS: Final[dict[str, dict[str, Any]]] = {
    "processed": {},
    "deferred": {"response": "451 4.3.0 try again later", "attempt": "1"},
    "delivered": {"response": "250 2.0.0 OK"},
    "bounce": {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 The e-mail account does not exist"},
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "open": {"useragent": "Mozilla/5.0 (sandbox)", "ip": "192.0.2.1", "sg_machine_open": False},
    "click": {"useragent": "Mozilla/5.0 (sandbox)", "ip": "192.0.2.1", "url": "https://example.com/"},
    "unsubscribe": {},
    "spamreport": {},
}
"""Every event that can be told, with what it says beside what all of them say."""


def event_callback(
    keys: SandboxKeys, public_url: str, message: dict[str, Any], event: str, said: dict[str, Any] | None = None
) -> Callback:
    """One event of an e-mail. The mail's custom arguments stand in it, as SendGrid puts them there."""
    told = {
        **message.get("custom_args", {}),
        "email": message["to"],
        "timestamp": int(time.time()),
        "event": event,
        "sg_event_id": secrets.token_urlsafe(16),
        "sg_message_id": f"{message['provider_id']}.sandbox-1.0",
        "smtp-id": f"<{message['provider_id']}@sandbox>",
        **EVENTS[event],
        **(said or {}),
    }
    body = msgspec.json.encode([told])
    return Callback(
        what=f"email {event}",
        url=public_url.rstrip("/") + EVENTS_PATH,
        body=body,
        content_type="application/json",
        sign=lambda: keys.sendgrid_headers(body),
        provider_id=message["provider_id"],
    )
