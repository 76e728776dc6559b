"""Deciding what consent means: who may be written to no more, and messages that are skipped for it."""

from typing import Any, Final

from domain import command as c
from domain import journal as j
from domain.consent import find, keyword_of, normal_address, suppression_of
from domain.decision import Decision

MAX_ADDRESS: Final = 512
"""What is longer is no address, and nothing is sent to it."""


def hear_keyword(decision: Decision, data: dict[str, Any]) -> None:
    """An inbound SMS that is a stop or start word changes consent for the number that it came from."""
    word = keyword_of(data.get("body"))
    address = data.get("from") or decision.state.contact.phone
    if word is not None and isinstance(address, str):
        allowed = word == "start"
        change_consent(decision, "sms", address, allowed=allowed, reason="opted_in" if allowed else "opted_out")


def change_consent(decision: Decision, channel: str, address: str, *, allowed: bool, reason: str) -> None:
    """Record the change, unless it changes nothing."""
    normal = normal_address(channel, address, decision.context.phone_region)
    if (
        normal
        and len(normal) <= MAX_ADDRESS
        and allowed == (find(decision.state.suppressions, channel, normal) is not None)
    ):
        personal = j.Address(normal)
        decision.record(j.ConsentChanged, channel=channel, allowed=allowed, reason=reason, personal=personal)


def change_by_command(decision: Decision, command: c.ChangeConsent) -> None:
    """An operator, or a provider's callback about an address, changes consent."""
    decision.result(command.command_id, "change_consent", "accepted")
    change_consent(decision, command.channel, command.address, allowed=command.allowed, reason=command.reason)


def refusal(decision: Decision, channel: str, request: dict[str, Any]) -> str | None:
    """Why a message may not be sent, if it may not."""
    found = suppression_of(decision.state.suppressions, channel, request, decision.context.phone_region)
    return found.reason if found else None
