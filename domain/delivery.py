"""Deliveries: what became of a message after the provider took it, as the provider's callbacks say.

Reports come more than once and in any order, so statuses have ranks, and the highest one stands.
"""

from typing import Final

RANKS: Final[dict[str, int]] = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "processed": 1,
    "sending": 2,
    "deferred": 2,
    "sent": 3,
    "delivered": 4,
    "undelivered": 5,
    "failed": 5,
    "canceled": 5,
    "dropped": 5,
    "bounced": 5,
    "opened": 6,
    "read": 6,
    "clicked": 7,
    "unsubscribed": 8,
    "spam_reported": 9,
}
"""Twilio's statuses (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values) and SendGrid's events
(https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event), each under one name, by how far they are."""

ENDS_CONSENT: Final[dict[str, str]] = {
    "bounced": "bounced",
    "unsubscribed": "opted_out",
    "spam_reported": "spam_reported",
}
"""Statuses after which the address is not written to again, and the reason that is kept."""

_SHOWN_BY: Final[dict[str, frozenset[str]]] = {
    "delivered": frozenset({"opened", "read", "clicked", "unsubscribed", "spam_reported"}),
    "opened": frozenset({"clicked"}),
    "failed": frozenset({"undelivered", "bounced", "dropped", "canceled"}),
}
"""What is true of a message, too, when something else is reported of it: who clicked has opened."""


def counts_as(reported: str, wanted: str) -> bool:
    """Whether a reported status shows the one that is waited for."""
    return reported == wanted or reported in _SHOWN_BY.get(wanted, ())


def is_newer(known: object, reported: str) -> bool:
    """Whether a reported status is further on than the one that is known; a status without a rank is not."""
    rank = RANKS.get(reported, -1)
    return rank > (RANKS.get(known, -1) if isinstance(known, str) else -1)
