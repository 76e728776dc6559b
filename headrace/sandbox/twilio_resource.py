"""A message as Twilio's API shows it, in the state that it is in."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from headrace.sandbox.ledger import Status

ROOT: Final = "/2010-04-01/Accounts/{account}"
_CENTS_OF_A_SEGMENT: Final = 0.79
_GSM_7: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnop"
    "qrstuvwxyzäöñüà"
)
_GSM_7_TWICE: Final = frozenset("^{}\\[~]|€\f")
"""Characters of the alphabet's extension: they take two places."""
_WHILE_UNSENT: Final = frozenset({"accepted", "scheduled", "queued", "sending"})


def message_resource(account: str, message: Mapping[str, Any], status: Status | None) -> dict[str, Any]:
    """An outbound message; it has a price, as Twilio's do, once it was sent."""
    sender = message.get("from") or ""
    service = sender if sender.startswith("MG") else None
    known = status.status if status else "queued"
    segments = segments_of(message["body"])
    sent = status is not None and known not in _WHILE_UNSENT
    return _resource(account, message) | {
        "messaging_service_sid": service,
        "from": None if service else sender,
        "status": known,
        "direction": "outbound-api",
        "num_segments": str(segments),
        "price": f"-{segments * _CENTS_OF_A_SEGMENT / 100:.5f}" if sent else None,
        "error_code": status.code if status else None,
        "error_message": "Unreachable destination handset" if status and status.code else None,
        "date_updated": _rfc2822(status.at if status else message["at"]),
        "date_sent": _rfc2822(message["at"]),
    }


def reply_resource(account: str, reply: Mapping[str, Any]) -> dict[str, Any]:
    """An inbound message."""
    return _resource(account, reply) | {"from": reply["from"], "status": "received", "direction": "inbound"}


def segments_of(body: str) -> int:
    """How many parts an SMS has: of 160 places (153 when there are several), of 70 (67) outside of GSM's alphabet."""
    if all(char in _GSM_7 or char in _GSM_7_TWICE for char in body):
        places, alone, together = sum(2 if char in _GSM_7_TWICE else 1 for char in body), 160, 153
    else:
        places, alone, together = len(body.encode("utf-16-be")) // 2, 70, 67
    return 1 if places <= alone else -(-places // together)


def _resource(account: str, message: Mapping[str, Any]) -> dict[str, Any]:
    made, sid = _rfc2822(message["at"]), message["provider_id"]
    root = ROOT.format(account=account)
    return {
        "sid": sid,
        "account_sid": account,
        "messaging_service_sid": None,
        "to": message["to"],
        "body": message["body"],
        "num_segments": "1",
        "num_media": "0",
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
        "api_version": "2010-04-01",
        "date_created": made,
        "date_updated": made,
        "date_sent": made,
        "uri": f"{root}/Messages/{sid}.json",
        "subresource_uris": {"media": f"{root}/Messages/{sid}/Media.json"},
    }


def _rfc2822(at: str) -> str:
    return format_datetime(datetime.fromisoformat(at))
