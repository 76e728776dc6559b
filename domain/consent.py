"""Consent: which addresses a contact is not written to on a channel, and what changes that.

The keywords are those of carriers and Twilio (https://help.twilio.com/articles/223134027): the whole message, in any
case. HELP is answered by the provider.
"""

from typing import Any, Final

import msgspec

from domain.phones import comparable

STOP: Final = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
START: Final = frozenset({"START", "UNSTOP", "YES"})
OPT_OUT_CODES: Final = frozenset({"twilio_21610"})
"""Codes of a provider that refuses a message because its recipient opted out there."""


class Suppression(msgspec.Struct, frozen=True):
    """An address that is not written to on a channel, and why: `opted_out`, `bounced` or `spam_reported`."""

    channel: str
    address: str
    reason: str
    at_ms: int


def keyword_of(body: object) -> str | None:
    """`stop` or `start` when the whole message is one of the keywords."""
    word = body.strip().upper() if isinstance(body, str) else ""
    return "stop" if word in STOP else "start" if word in START else None


def normal_address(channel: str, address: str, region: str | None = None) -> str:
    """The address in the form in which two of them are compared; a number without a country code is of `region`."""
    return comparable(address, region) if channel == "sms" else _bare(address).strip().lower()


def _bare(address: str) -> str:
    """An e-mail address without the name that it may stand with: `Bo Li <bo@example.org>`."""
    _, bracket, inside = address.rpartition("<")
    return inside.partition(">")[0] if bracket else address


def suppression_of(
    suppressions: tuple[Suppression, ...], channel: str, request: dict[str, Any], region: str | None = None
) -> Suppression | None:
    """What forbids a message to the recipient that its rendered request names, if anything does."""
    to = request.get("to")
    if not suppressions or not isinstance(to, str):
        return None
    address = normal_address(channel, to, region)
    return find(suppressions, channel, address)


def find(suppressions: tuple[Suppression, ...], channel: str, address: str) -> Suppression | None:
    """The suppression of this address in its normal form, if there is one."""
    for one in suppressions:
        if one.channel == channel and one.address == address:
            return one
    return None
